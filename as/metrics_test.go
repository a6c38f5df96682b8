package as

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
)

// TestMetrics has something of each kind happen, and looks at the admin pages
// while the list of media servers changes.
func TestMetrics(t *testing.T) {
	a, b := newFakeMS(t), newFakeMS(t)
	s := startAS(t, func(c *Config) {
		c.Admin = "127.0.0.1:0"
		c.MediaServers[0].Name, c.MediaServers[1].Name = a.ua.Addr(), b.ua.Addr()
	}, a, b)
	request := func(method, path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(testContext(t), method, "http://"+s.admin.Addr()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	want := func(what string, lines ...string) {
		t.Helper()
		_, page := request("GET", "/metrics")
		for _, line := range lines {
			if !strings.Contains(page, line+"\n") {
				t.Errorf("%s: no %q in\n%s", what, line, page)
			}
		}
	}
	msA, msB := `{ms="`+a.ua.Addr()+`"} `, `{ms="`+b.ua.Addr()+`"} `
	call, err := newCaller(t).call(testContext(t), s, testOffer)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the set-up to be counted", func() bool {
		_, page := request("GET", "/metrics")
		return strings.Contains(page, "mscp_as_call_setup_duration_seconds_count 1\n")
	})
	s.metrics.pushed(nil, time.Second)
	s.metrics.pushed(control.ErrDown, time.Second)
	want("a call", `mscp_as_calls_total{code="200"} 1`, "mscp_as_store_sessions"+msA+"1", "mscp_as_store_sessions"+msB+"0",
		"mscp_as_channel_up"+msA+"1", "mscp_as_weight"+msB+"1", "mscp_as_drained"+msB+"0", "mscp_as_recipients 1",
		`mscp_as_pushes_total{outcome="delivered"} 1`, `mscp_as_pushes_total{outcome="channel_down"} 1`, "mscp_as_push_duration_seconds_count 1")
	if code, _ := request("POST", "/media_servers/"+b.ua.Addr()+"/drain"); code != 200 {
		t.Errorf("drain: %d", code)
	}
	if code, _ := request("POST", "/media_servers/nobody/drain"); code != 404 {
		t.Errorf("drain of nobody: %d", code)
	}
	_, page := request("GET", "/media_servers")
	var list []map[string]any
	if err := json.Unmarshal([]byte(page), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v in %s", err, page)
	}
	keys := slices.Sorted(maps.Keys(list[0]))
	if k := strings.Join(keys, " "); k != "channel drained name sessions since uri weight" {
		t.Errorf("keys: %s", k)
	}
	if list[0]["sessions"] != 1.0 || list[0]["channel"] != "up" || list[0]["drained"] != false || list[1]["drained"] != true {
		t.Errorf("media servers: %v", list)
	}
	if err := s.SetMediaServers([]MediaServerConfig{{URI: "sip:ms@" + b.ua.Addr(), Name: b.ua.Addr(), Weight: 7}}); err != nil {
		t.Fatal(err)
	}
	want("without the first", "mscp_as_weight"+msB+"7", "mscp_as_drained"+msB+"0", "mscp_as_store_sessions"+msA+"1")
	if err := call.Bye(testContext(t)); err != nil {
		t.Error(err)
	}
	wantSessions(t, s, 0)
	if _, page := request("GET", "/metrics"); strings.Contains(page, "mscp_as_store_sessions"+msA) {
		t.Error("a media server without sessions is told of after it was taken out")
	}
}
