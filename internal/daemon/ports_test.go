package daemon

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestAdminConnections fills the endpoint with connections of strangers that ask for
// nothing, or for half of something. The operator, on loopback, is served all the while,
// and the metrics tell of it.
func TestAdminConnections(t *testing.T) {
	reg := prometheus.NewRegistry()
	a, err := ServeAdmin(AdminConfig{Addr: ":0", Registry: reg, Ready: func() error { return nil }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	reg.MustRegister(PortCollector("test", Ports{"admin": a.Counts}))
	_, port, _ := net.SplitHostPort(a.Addr())
	stranger := ownAddress(t)
	var flood []net.Conn
	for range adminSourceConnections {
		c, err := net.Dial("tcp", net.JoinHostPort(stranger, port))
		if err != nil {
			t.Skip(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET /metr")
		flood = append(flood, c)
	}
	over, err := net.Dial("tcp", net.JoinHostPort(stranger, port))
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	_ = over.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.Copy(io.Discard, over); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("one more is not closed: %v", err)
	}
	get := func() string {
		t.Helper()
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprint(c, "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
		b, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, want := range []string{
		fmt.Sprintf(`test_held{port="admin",who="strangers"} %d`, adminSourceConnections),
		`test_held{port="admin",who="peers"} 1`, `test_refused_total{port="admin",reason="source"} 1`, `test_refused_total{port="admin",reason="all"} 0`,
	} {
		if got := get(); !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	for _, c := range flood {
		c.Close()
	}
	for end := time.Now().Add(10 * time.Second); a.Counts().Strangers > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("left: %+v", a.Counts())
		}
	}
}

// ownAddress is an address of this machine that is not a loopback one.
func ownAddress(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Skip(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	t.Skip("no address but loopback")
	return ""
}
