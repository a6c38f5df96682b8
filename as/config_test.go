package as

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDefaultsLackOnlyAMediaServer(t *testing.T) {
	c := DefaultConfig()
	if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), "media_servers:") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the defaults: %v", err)
	}
}

func TestLoadConfig(t *testing.T) {
	load := func(text string) (Config, error) {
		path := filepath.Join(t.TempDir(), "as.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return LoadConfig(path)
	}
	c, err := load("media_servers:\n  - uri: sip:ms@127.0.0.1:5090;transport=tcp\n    weight: 3\n  - uri: sip:127.0.0.1:5091\npush:\n  ring: 7s\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Push.Ring != 7*time.Second || c.Push.RetryMin != DefaultConfig().Push.RetryMin {
		t.Errorf("push: %+v", c.Push)
	}
	if got := c.MediaServers; got[0].Name != "127.0.0.1:5090" || got[0].Weight != 3 || got[1].Weight != 1 {
		t.Errorf("media servers: %+v", got)
	}
	if c.Presence.Server != c.OutboundProxy {
		t.Errorf("presence server: %q", c.Presence.Server)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"unknown key":     {"pusch: {}\n", "pusch"},
		"ring too long":   {"push: {ring: 40s}\n", "push.ring"},
		"negative weight": {"media_servers: [{uri: 'sip:a@b', weight: -1}]\n", "media_servers[0].weight"},
		"name twice":      {"media_servers: [{uri: 'sip:a@b'}, {uri: 'sip:c@b'}]\n", "used twice"},
		"bad dialect":     {"control: {dialect: klingon}\n", "control.dialect"},
		"bad level":       {"log: {level: loud}\n", "log.level"},
		"not a duration":  {"push: {ring: soon}\n", "soon"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want something about %q", err, tc.want)
			}
		})
	}
}
