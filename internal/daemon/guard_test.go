package daemon

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestAdminCallers sends requests by hand, as browsers and programs do.
func TestAdminCallers(t *testing.T) {
	did := 0
	a, err := ServeAdmin(AdminConfig{
		Addr: "127.0.0.1:0", Hosts: []string{"ms1.example.com"}, Node: "<ms>", Registry: prometheus.NewRegistry(), Ready: func() error { return nil },
		Pages: AdminPages{
			Handlers: map[string]http.HandlerFunc{"POST /do": func(http.ResponseWriter, *http.Request) { did++ }},
			About:    map[string]string{"POST /do": "does <it>"},
		},
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, port, _ := net.SplitHostPort(a.Addr())
	ask := func(method, path, host string, headers ...string) (int, string) {
		t.Helper()
		conn, err := net.Dial("tcp", a.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		head := strings.Join(append([]string{method + " " + path + " HTTP/1.1", "Host: " + host, "Content-Length: 0"}, headers...), "\r\n")
		fmt.Fprint(conn, head+"\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(body)
	}
	own := "127.0.0.1:" + port
	paths := []string{"GET /", "GET /healthz", "GET /metrics", "GET /debug/pprof/", "GET /debug/pprof/cmdline", "POST /do"}
	for _, tc := range []struct {
		host    string
		headers []string
		ok      bool
	}{
		{own, nil, true},
		{"localhost:" + port, nil, true},
		{"LOCALHOST", nil, true},
		{"[::1]:1234", nil, true}, // through a tunnel
		{"ms1.example.com:" + port, nil, true},
		{"MS1.example.com.", nil, true},
		{own, []string{"Origin: http://" + own, "Sec-Fetch-Site: same-origin"}, true},
		{own, []string{"Sec-Fetch-Site: none"}, true},
		{"evil.example:" + port, nil, false}, // a name that points here
		{"ms1.example.com.evil.example", nil, false},
		{"localhost.evil.example", nil, false},
		{"192.0.2.1", nil, false},
		{"", nil, false},
		{own, []string{"Origin: http://evil.example"}, false},
		{own, []string{"Origin: null"}, false},
		{own, []string{"Origin: https://" + own}, false},
		{own, []string{"Origin: http://localhost:" + port}, false}, // another origin than the one asked
		{own, []string{"Sec-Fetch-Site: cross-site"}, false},
		{own, []string{"Sec-Fetch-Site: same-site"}, false},
	} {
		for _, path := range paths {
			method, path, _ := strings.Cut(path, " ")
			before := did
			status, body := ask(method, path, tc.host, tc.headers...)
			if refused := status == http.StatusForbidden; refused == tc.ok {
				t.Errorf("%s %s, Host %q, %q: %d %.100s", method, path, tc.host, tc.headers, status, body)
			}
			if !tc.ok && did != before {
				t.Errorf("%q %q: it was done", tc.host, tc.headers)
			}
		}
	}
	if status, _ := ask("GET", "/do", own); status != http.StatusMethodNotAllowed {
		t.Errorf("GET of what changes something: %d", status)
	}
	_, page := ask("GET", "/", own)
	for _, want := range []string{"&lt;ms&gt;", `<a href="/metrics">`, "<td>POST</td><td>/do</td><td>does &lt;it&gt;</td>", "commit "} {
		if !strings.Contains(page, want) {
			t.Errorf("the list of pages lacks %s:\n%s", want, page)
		}
	}
}
