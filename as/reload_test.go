package as

import (
	"os"
	"strings"
	"testing"
)

// TestReload puts access, limits and media servers in force, one after another.
func TestReload(t *testing.T) {
	ms, other, c, ctx := newFakeMS(t), newFakeMS(t), newCaller(t), testContext(t)
	s := startAS(t, nil, ms)
	cfg := s.cfg
	call := func() error {
		call, err := c.call(ctx, s, testOffer)
		if err == nil {
			err = call.Bye(ctx)
		}
		return err
	}
	reload := func() {
		t.Helper()
		if err := s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
	}
	if err := call(); err != nil {
		t.Fatal(err)
	}
	strangersOnly(&cfg)
	reload()
	wantStatus(t, call(), 403)

	cfg.Access = s.cfg.Access
	cfg.Limits.CallerRate, cfg.Limits.CallerBurst = 0.001, 1
	reload()
	if err := call(); err != nil {
		t.Error(err)
	}
	wantStatus(t, call(), 480)

	cfg.Limits = s.cfg.Limits
	cfg.MediaServers = []MediaServerConfig{{URI: "sip:ms@" + other.ua.Addr()}}
	reload()
	awaitUp(t, s, other)
	if err := call(); err != nil {
		t.Error(err)
	}
	other.change(func(m *fakeMS) {
		if len(m.offers) != 1 {
			t.Errorf("%d calls came to the new media server", len(m.offers))
		}
	})
}

// TestReloadRefused has one thing wrong with a configuration, and so none of it in
// force.
func TestReloadRefused(t *testing.T) {
	ms, c, ctx := newFakeMS(t), newCaller(t), testContext(t)
	users := writeUsers(t, "alice:example.com:"+ha1("MD5", "alice", "secret"))
	s := startAS(t, func(c *Config) { c.Access.Users, c.Access.Realm = users, "example.com" }, ms)
	for key, change := range map[string]func(*Config){
		"push.ring":     func(c *Config) { c.Push.Ring = 0 },
		"media_servers": func(c *Config) { c.MediaServers = nil },
		"access.users": func(c *Config) {
			if err := os.WriteFile(users, []byte("nonsense"), 0o600); err != nil {
				t.Error(err)
			}
		},
	} {
		cfg := s.cfg
		cfg.Access.Peers, cfg.Access.Trusted = []string{elsewhere}, []string{elsewhere}
		change(&cfg)
		if err := s.Reload(cfg); err == nil || !strings.HasPrefix(err.Error(), key+":") {
			t.Errorf("%s: %v", key, err)
		}
		if call, err := c.call(ctx, s, testOffer); err != nil {
			t.Errorf("%s: the refused configuration is in force: %v", key, err)
		} else if err := call.Bye(ctx); err != nil {
			t.Error(err)
		}
	}
}

// TestReloadKeepsDrain reloads with the same media servers, one of which the
// operator drains.
func TestReloadKeepsDrain(t *testing.T) {
	ms := newFakeMS(t)
	s := startAS(t, nil, ms)
	if err := s.DrainMediaServer(ms.ua.Addr(), true); err != nil {
		t.Fatal(err)
	}
	cfg := s.cfg
	cfg.Limits.Calls = 7
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	if st := s.MediaServers(); !st[0].Drained {
		t.Errorf("%+v", st)
	}
	cfg.MediaServers[0].Weight = 5
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	if st := s.MediaServers(); st[0].Drained || st[0].Weight != 5 {
		t.Errorf("%+v", st)
	}
}
