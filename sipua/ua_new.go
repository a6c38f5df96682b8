package sipua

import (
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/admit"
)

// New binds UDP and TCP at cfg.Addr and serves until Close.
func New(cfg Config, h Handlers) (*UA, error) {
	setUpSipgo()
	a := newAgent(cfg, strings.Join(append([]string{methods}, h.Methods...), ", "))
	ua := &UA{agent: a, h: h, calls: &callTable{ua: a, calls: map[dialogKey]*Call{}}, subs: newSubscriptions(a)}
	ua.rings = admit.NewGate(admit.Limits{Source: MaxStrangerCallsSource, All: MaxStrangerCalls, Peers: MaxCalls})
	a.hooks = hooks{
		screened: ua.calls.noteEarly, ended: ua.subs.connectionEnded, admit: h.Admit, stray: ua.calls.strayResponse,
		inDialog: func(req *sip.Request) bool { return ua.calls.dialogOf(req) != nil },
	}
	if err := a.listen(); err != nil {
		return nil, fmt.Errorf("sipua: %w", err)
	}
	if err := a.assemble(ua.route); err != nil {
		a.unbind()
		return nil, fmt.Errorf("sipua: %w", err)
	}
	return ua, nil
}
