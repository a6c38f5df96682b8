package conform

import (
	"context"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/internal/scriptedas"
	"github.com/gomscp/gomscp/interop/internal/testenv"
)

// scripted runs the scripted application server, with short pauses.
func scripted(t *testing.T, change func(*scriptedas.Config)) ASTarget {
	t.Helper()
	a := ASTarget{
		MS: testenv.FreeAddr(t), MS2: testenv.FreeAddr(t), Proxy: testenv.FreeAddr(t), Domain: "example.com",
		RestoreWait: 2 * time.Second, Retry: time.Second, Idle: time.Second, ByHandWait: 3 * time.Second,
	}
	c := scriptedas.Config{
		Addr: testenv.FreeAddr(t), Media: []scriptedas.Media{{Addr: a.MS, Weight: 1}, {Addr: a.MS2, Weight: 3}}, Proxy: a.Proxy, Domain: a.Domain,
		RestoreWait: a.RestoreWait, Retry: 200 * time.Millisecond,
	}
	if change != nil {
		change(&c)
	}
	a.SIP = c.Addr + ";transport=tcp"
	s, err := scriptedas.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	a.Dialog, a.Conference = "sip:dialog@"+a.Domain, "sip:room@"+a.Domain
	a.ByHand = func(what string) {
		go s.Act(map[string]string{actMute: scriptedas.Mute, actFloor: scriptedas.Floor}[what])
	}
	a.Stop = func(context.Context) error { s.Stop(); return nil }
	a.Start = func(context.Context) error { s, err = scriptedas.Start(c); return err }
	t.Cleanup(func() { s.Kill() })
	return a
}

// TestASScripted has the scripted application server pass all cases, with channels over
// TCP, TLS and INFO.
func TestASScripted(t *testing.T) {
	sideBySide(t)
	for _, f := range []asFault{{name: "TCP"}, {name: "TLS", tls: true}, {name: "INFO", info: true}} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			cases, end := MSCPAS(scripted(t, f.config(t)))
			defer end()
			results, err := Run(t.Context(), cases, Options{Timeout: 5 * time.Second})
			if err != nil {
				t.Error(err)
			}
			for _, r := range results {
				if r.Outcome == Failed || r.Outcome == Skipped && !f.skips(r.ID) {
					t.Errorf("%s: %s\n%s", r.ID, r.Detail, r.Wire)
				}
			}
		})
	}
}
