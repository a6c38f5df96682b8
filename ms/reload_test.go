package ms

import (
	"strings"
	"testing"
)

// TestReload bounds what a recipient may have while a session is there, and then
// no longer.
func TestReload(t *testing.T) {
	a := newFakeAS(t, nil)
	call, session := a.storeLeg()
	a.restore(call, alice, bob)
	if err := send(a.ctx(), session, "one"); err != nil {
		t.Fatal(err)
	}
	cfg := *a.ms.cfg
	cfg.Limits.RecipientMessages = 1
	if err := a.ms.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	if err := send(a.ctx(), session, "two"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("over the new limit: %v", err)
	}
	cfg.Hold, cfg.Limits.RecipientMessages = -1, 0
	if err := a.ms.Reload(cfg); err == nil || !strings.HasPrefix(err.Error(), "hold:") {
		t.Errorf("a bad configuration: %v", err)
	}
	if err := send(a.ctx(), session, "three"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("the refused configuration is in force: %v", err)
	}
	cfg.Hold = a.ms.cfg.Hold
	if err := a.ms.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	if err := send(a.ctx(), session, "four"); err != nil {
		t.Error(err)
	}
	a.wantKept(2)
}
