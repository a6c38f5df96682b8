package sipua

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestCallLogger has both sides of a call log with the call's id and, where the
// application has said so, with its own logger instead.
func TestCallLogger(t *testing.T) {
	ctx := testContext(t)
	var log testutil.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	calls := make(chan *Call, 1)
	var named atomic.Bool // nothing but the network is between who sets it and who looks
	callee, err := New(Config{Addr: "127.0.0.1:0", Logger: logger.With("side", "callee")}, Handlers{Invite: answering(t, calls, func(in *IncomingCall) {
		in.Logger().Info("it rings")
		if named.Load() {
			in.SetLogger(in.Logger().With("leg", "A"))
		}
		in.OnOffer(func(context.Context, Offer) ([]byte, error) { return nil, errors.New("not now") })
	})})
	if err != nil {
		t.Fatal(err)
	}
	defer callee.Close()
	caller := newUA(t, Handlers{})
	for range 2 {
		r := InviteRequest{URI: "sip:bob@" + callee.Addr(), From: "sip:a@example.com", To: "sip:b@example.com", Body: []byte(sdpOne), ContentType: "application/sdp"}
		if named.Load() {
			r.Logger = logger.With("call", "my-own-id", "leg", "B")
		}
		call, err := caller.Invite(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		if err := call.Ack(ctx, nil, ""); err != nil {
			t.Fatal(err)
		}
		other := <-calls
		if _, err := call.Reinvite(ctx, []byte(sdpTwo), "application/sdp"); err == nil {
			t.Error("the re-INVITE was accepted")
		}
		call.Logger().Info("from the caller")
		id := call.ID().CallID
		want := []string{"msg=\"it rings\" side=callee call=" + id, "msg=\"change of the session refused\" side=callee call=" + id}
		if named.Load() {
			want = []string{"msg=\"change of the session refused\" side=callee call=" + id + " leg=A", "msg=\"from the caller\" call=my-own-id leg=B"}
		}
		for _, w := range want {
			if !strings.Contains(log.String(), w) {
				t.Errorf("not logged: %s\n%s", w, log.String())
			}
		}
		if err := call.Bye(ctx); err != nil {
			t.Error(err)
		}
		await(t, "end of the other side", other.Done())
		named.Store(true)
	}
	if strings.Contains(log.String(), "v=0") {
		t.Error("a body was logged")
	}
}
