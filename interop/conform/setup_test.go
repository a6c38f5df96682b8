package conform

import (
	"errors"
	"net"
	"testing"

	"github.com/gomscp/gomscp/interop/internal/testenv"
)

// TestPortInUse has a runner whose own port is taken say nothing about the peer.
func TestPortInUse(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.LocalAddr().String()
	as, end := MSCPAS(ASTarget{SIP: "127.0.0.1:1", MS: testenv.FreeAddr(t), Proxy: addr})
	defer end()
	senders, endSenders := MSRPSender(SenderTarget{Listen: addr})
	defer endSenders()
	clients, endClients := MSRPRelayClient(RelayClientTarget{Listen: addr})
	defer endClients()
	for _, cases := range [][]Case{as, senders, clients} {
		results, err := Run(t.Context(), cases, Options{})
		if !errors.Is(err, ErrUnreachable) || len(results) > 0 {
			t.Errorf("%s: %d results, and %v", cases[0].ID, len(results), err)
		}
	}
}
