package sipua

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// TestNobodyAnswers calls a socket that says nothing: the error names it.
func TestNobodyAnswers(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ua, err := New(Config{Addr: "127.0.0.1:0"}, Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	defer ua.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = ua.Invite(ctx, InviteRequest{
		URI: "sip:bob@example.com", From: ua.Contact(), To: "sip:bob@example.com", Destination: silent.LocalAddr().String(),
	})
	var nobody *NoAnswerError
	if !errors.As(err, &nobody) || nobody.Transport != "UDP" || !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "no answer from "+silent.LocalAddr().String()+" over UDP within 200ms") {
		t.Errorf("got %v", err)
	}
}
