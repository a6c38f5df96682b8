package conform

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/cluster"
)

// ourAS runs our own application server as a process, with short pauses.
func ourAS(t *testing.T, change func(*as.Config)) ASTarget {
	t.Helper()
	binaries, err := cluster.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a := ASTarget{MS: freeAddr(t), MS2: freeAddr(t), Proxy: freeAddr(t), Domain: "example.com", RestoreWait: 2 * time.Second, Idle: time.Second}
	c, err := cluster.New(cluster.Options{Binaries: binaries, Dir: t.TempDir(), Proxy: a.Proxy, ConfigAS: func(c *as.Config) {
		c.MediaServers = []as.MediaServerConfig{
			{URI: "sip:ms@" + a.MS + ";transport=tcp", Weight: 1, Name: "ms1"}, {URI: "sip:ms@" + a.MS2 + ";transport=tcp", Weight: 3, Name: "ms2"},
		}
		c.Store.RestoreWait, c.Store.FailureRest = a.RestoreWait, 0
		c.Push.RetryMin, c.Push.RetryMax, c.Push.Delay = 200*time.Millisecond, time.Second, 20*time.Millisecond
		c.Control.RetryMin, c.Control.RetryMax = 50*time.Millisecond, 300*time.Millisecond
		if change != nil {
			change(c)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.AS.LogTail(40))
		}
	})
	a.SIP = c.AS.SIP
	a.Stop = func(context.Context) error { return c.AS.Stop() }
	a.Start = func(context.Context) error { return c.AS.Start() }
	if err := c.AS.Start(); err != nil {
		t.Fatal(err)
	}
	return a
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := cluster.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// TestASOwn runs all cases against our application server.
func TestASOwn(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it runs a process")
	}
	cases, end := MSCPAS(ourAS(t, nil))
	defer end()
	results, err := Run(t.Context(), cases, Options{Timeout: 5 * time.Second})
	if err != nil {
		t.Error(err)
	}
	var text strings.Builder
	if err := WriteText(&text, results, Options{}); err != nil {
		t.Fatal(err)
	}
	if s := Summarize(results, Options{}); s.Counting > 0 || s.Skipped > 1 || s.Passed < 45 { // one is about TLS
		t.Errorf("%v\n%s", s, text.String())
	}
}

// TestASOwnTLS runs the cases about channels and PDUs against ours with a channel over TLS.
func TestASOwnTLS(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it runs a process")
	}
	cert, key := certificateFiles(t)
	cases, end := MSCPAS(ourAS(t, func(c *as.Config) {
		c.Control.Transport = "tls"
		c.TLS.Certificate, c.TLS.Key = cert, key
	}))
	defer end()
	cases, err := Select(cases, "mscp-as/7.2.1", "mscp-as/7.2.2", "paper-as/2.3.4")
	if err != nil {
		t.Fatal(err)
	}
	results, err := Run(t.Context(), cases, Options{Timeout: 5 * time.Second})
	if err != nil {
		t.Error(err)
	}
	var text strings.Builder
	if err := WriteText(&text, results, Options{}); err != nil {
		t.Fatal(err)
	}
	if s := Summarize(results, Options{}); s.Counting > 0 || s.Skipped > 0 || s.Passed < 20 {
		t.Errorf("%v\n%s", s, text.String())
	}
}

// asFaults are what an application server does wrong, and the strict case that must notice
// it.
var asFaults = []struct {
	name, fails string
	sdp, pdu    func(string) string
}{
	{name: "no m-line of a channel", fails: "mscp-as/7.2.1/1", sdp: replace("TCP/MS", "TCP/XX")},
	{name: "another port", fails: "mscp-as/7.2.1/2", sdp: replace("application 9 ", "application 5000 ")},
	{name: "another role", fails: "mscp-as/7.2.1/3", sdp: replace("setup:active", "setup:actpass")},
	{name: "an existing connection", fails: "mscp-as/7.2.1/4", sdp: replace("connection:new", "connection:existing")},
	{name: "no time", fails: "mscp-as/7.2.1/5", sdp: replace("t=0 0\r\n", "")},
	{name: "another header", fails: "mscp-as/7.2.2/1", pdu: replace("Content-Type", "X-A: b\r\nContent-Type")},
	{name: "no rising ids", fails: "mscp-as/7.2.3/1", pdu: replaceRegexp("(?m)^REQ MSCP/1.0 [0-9]+", "REQ MSCP/1.0 7")},
	{name: "no namespace", fails: "mscp-as/3.2/1", pdu: replace(` xmlns="urn:ietf:mscp"`, "")},
	{name: "an attribute of none", fails: "mscp-as/3.2/1", pdu: replace("<request>", `<request tag="a">`)},
	{name: "Latin-1", fails: "mscp-as/3.2/2", pdu: replace("j%C3%B6rg", "j\xf6rg")},
	{name: "tags the wrong way round", fails: "mscp-as/2.3.1/1", pdu: replaceRegexp(`connection-id="([^;]*);([^;]*);([^"]*)"`, `connection-id="$1;$3;$2"`)},
	{name: "URIs as they came", fails: "paper-as/2.3.4/1", pdu: replace(`from-uri="sip:caller@example.com"`, `from-uri="sip:caller@EXAMPLE.COM"`)},
}

// TestASFaults has each fault noticed by its case.
func TestASFaults(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it runs a process")
	}
	target := ourAS(t, nil)
	for _, f := range asFaults {
		t.Run(f.name, func(t *testing.T) {
			b := newBench(target)
			b.spoilSDP, b.spoilPDU = f.sdp, f.pdu
			defer b.close()
			cases, err := Select(b.cases(), f.fails)
			if err != nil {
				t.Fatal(err)
			}
			results, err := Run(t.Context(), cases, Options{Timeout: 5 * time.Second})
			if err != nil || !results[0].Counts(Options{}) {
				t.Errorf("%s does not notice it: %v, %+v", f.fails, err, results)
			}
		})
	}
}
