package sipua

import (
	"testing"

	"github.com/gomscp/gomscp/sipua/internal/screen"
)

// BenchmarkScreen compares screening with sipgo's parsing of the same INVITE.
func BenchmarkScreen(b *testing.B) {
	message := []byte("INVITE sip:bob@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK.0123456789abcdef\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=0123456789\r\nTo: <sip:bob@example.com>\r\nCall-ID: 0123456789@192.0.2.2\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.2:5060>\r\nAllow: INVITE, ACK, CANCEL, BYE\r\nContent-Type: application/sdp\r\nContent-Length: 33\r\n\r\n" + sdpOne)
	b.Run("screen", func(b *testing.B) {
		for b.Loop() {
			if _, _, f := screen.Check(message, true); f != nil {
				b.Fatal(f)
			}
		}
	})
	parser := newParser()
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := parser.ParseSIP(message); err != nil {
				b.Fatal(err)
			}
		}
	})
}
