package daemon

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestYAML(t *testing.T) {
	type config struct {
		Name string        `yaml:"name"`
		Wait time.Duration `yaml:"wait"`
	}
	path := filepath.Join(t.TempDir(), "c.yaml")
	load := func(text string) (config, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := config{Name: "default", Wait: time.Second}
		_, err := LoadYAML(path, &c)
		return c, err
	}
	if c, err := load(""); err != nil || c.Name != "default" {
		t.Errorf("an empty file: %+v, %v", c, err)
	}
	c := config{Name: "default", Wait: time.Second}
	if _, err := DecodeYAML([]byte("wait: 5m\n"), &c); err != nil || c.Name != "default" || c.Wait != 5*time.Minute {
		t.Errorf("one key: %+v, %v", c, err)
	}
	for name, text := range map[string]string{
		"unknown key": "nmae: x\n", "no YAML": "{", "too large": strings.Repeat("x: y\n", MaxConfigFile/5+1),
	} {
		if _, err := load(text); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	w, err := OpenTrace(path, "node")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { w.Record(TraceRecord{Protocol: "SIP", Direction: Sent, Raw: "BYE\r\n\"x\""}) })
	}
	wg.Wait()
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	w.Record(TraceRecord{})
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(b)) {
		var r TraceRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Node != "node" || r.Raw != "BYE\r\n\"x\"" {
			t.Fatalf("line %q: %+v, %v", line, r, err)
		}
		lines++
	}
	if lines != 50 {
		t.Errorf("%d lines", lines)
	}
	none, err := OpenTrace("", "node")
	none.Record(TraceRecord{})
	if err := errors.Join(err, none.Close()); err != nil || none.Enabled() {
		t.Errorf("no trace: %v", err)
	}
}

func TestAdmin(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	ready := errors.New("not yet")
	a, err := ServeAdmin(AdminConfig{
		Addr: "127.0.0.1:0", Registry: prometheus.NewRegistry(), Ready: func() error { return ready }, Log: log,
		Pages: AdminPages{Handlers: map[string]http.HandlerFunc{
			"GET /page": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "mine") },
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string, status int, want string) {
		t.Helper()
		resp, err := http.Get("http://" + a.Addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != status || !strings.Contains(string(b), want) {
			t.Errorf("%s: %s, %q", path, resp.Status, b)
		}
	}
	get("/healthz", 200, "ok")
	get("/readyz", 503, "not yet")
	ready = nil
	get("/readyz", 200, "ready")
	get("/metrics", 200, "")
	get("/page", 200, "mine")
	get("/other", 404, "")
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	off, err := ServeAdmin(AdminConfig{Log: log})
	if err := errors.Join(err, off.Close()); err != nil || off.Addr() != "" {
		t.Errorf("switched off: %v", err)
	}
	if _, err := Logger(io.Discard, "loud", "n"); err == nil {
		t.Error("a level that is none was taken")
	}
}

type closer func() error

func (c closer) Close() error { return c() }

// TestDrain checks that a server whose sessions do not end is not waited for.
func TestDrain(t *testing.T) {
	ever := make(chan struct{})
	defer close(ever)
	stuck := closer(func() error { <-ever; return nil })
	if err := drain(stuck, time.Millisecond); err == nil || !strings.Contains(err.Error(), "within 1ms") {
		t.Errorf("a server that does not end: %v", err)
	}
	bad := errors.New("bad")
	for _, d := range []time.Duration{0, time.Minute} {
		if err := drain(closer(func() error { return bad }), d); err != bad {
			t.Errorf("%v: %v", d, err)
		}
	}
}
