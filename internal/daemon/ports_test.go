package daemon

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/internal/admit"
)

// TestAdminConnections fills the endpoint with connections that ask for nothing, or for half
// of something. Who asks for all of something is served all the while, and the metrics tell
// of it.
func TestAdminConnections(t *testing.T) {
	reg := prometheus.NewRegistry()
	a, err := ServeAdmin(AdminConfig{Addr: "127.0.0.1:0", Registry: reg, Ready: func() error { return nil }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	reg.MustRegister(PortCollector("test", Ports{"admin": a.Counts}))
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", a.Addr())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		t.Cleanup(func() { c.Close() })
		return c
	}
	flood := []net.Conn{}
	for range 2 * adminConnections {
		c := dial()
		fmt.Fprint(c, "GET /metr")
		flood = append(flood, c)
	}
	get := func() string {
		t.Helper()
		c := dial()
		fmt.Fprint(c, "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
		b, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, want := range []string{
		fmt.Sprintf(`test_held{port="admin",who="strangers"} %d`, adminConnections), `test_held{port="admin",who="peers"} 0`,
		`test_refused_total{port="admin",reason="evicted"} `, `test_refused_total{port="admin",reason="all"} 0`,
	} {
		if got := get(); !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
		flood = append(flood, dial())
	}
	if n := a.Counts().Refused[admit.ReasonEvicted]; n < adminConnections {
		t.Errorf("%d were closed", n)
	}
	if _, err := io.Copy(io.Discard, flood[0]); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the oldest is not closed")
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
