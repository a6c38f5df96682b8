package conform

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/testenv"
)

// ourAS runs our own application server as a process, with short pauses.
func ourAS(t *testing.T, change func(*as.Config)) ASTarget {
	t.Helper()
	binaries, err := cluster.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a := ASTarget{MS: testenv.FreeAddr(t), MS2: testenv.FreeAddr(t), Proxy: testenv.FreeAddr(t), Domain: "example.com", RestoreWait: 2 * time.Second, Idle: time.Second}
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

// TestASOwn runs all cases against our application server, with channels over TCP and over
// INFO. It has neither dialogs nor conferences.
func TestASOwn(t *testing.T) {
	sideBySide(t)
	if testing.Short() {
		t.Skip("it runs a process")
	}
	for _, f := range []asFault{{name: "tcp"}, {name: "info", info: true}} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			cases, end := MSCPAS(ourAS(t, func(c *as.Config) { c.Control.Transport = f.name }))
			defer end()
			results, err := Run(t.Context(), cases, Options{Timeout: 5 * time.Second})
			if err != nil {
				t.Error(err)
			}
			for _, r := range results {
				other := f.skips(r.ID) || strings.HasPrefix(r.ID, "mscp-as/4.") || strings.HasPrefix(r.ID, "mscp-as/5.")
				if r.Counts(Options{}) || r.Outcome == Skipped && !other {
					t.Errorf("%s: %s\n%s", r.ID, r.Detail, r.Wire)
				}
			}
		})
	}
}

// TestASOwnTLS runs the cases about channels and PDUs against ours with a channel over TLS.
func TestASOwnTLS(t *testing.T) {
	sideBySide(t)
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
