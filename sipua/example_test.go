package sipua_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gomscp/gomscp/interop/sipserver"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/sipua/regevent"
)

// offer is the session description of a caller, and answer that of a callee.
const (
	offer = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
		"m=message 2855 TCP/MSRP *\r\na=accept-types:text/plain\r\na=path:msrp://192.0.2.1:2855/a;tcp\r\n"
	answer = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n" +
		"m=message 2855 TCP/MSRP *\r\na=accept-types:text/plain\r\na=path:msrp://192.0.2.2:2855/b;tcp\r\n"
)

// A user agent registers at a SIP server and answers the calls that come through it.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	server, err := sipserver.New(sipserver.Config{Addr: "127.0.0.1:0", Domain: "example.com", Users: map[string]string{"bob": "secret"}})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	ended := make(chan struct{})
	bob, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "bob"}, sipua.Handlers{
		Invite: func(in *sipua.IncomingCall) {
			fmt.Println("call from", in.From)
			call, _, err := in.Answer(ctx, []byte(answer), "application/sdp")
			if err != nil {
				log.Print(err)
				return
			}
			<-call.Done()
			close(ended)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close()
	registration, err := bob.Register(ctx, sipua.RegisterRequest{
		Registrar: "sip:example.com", AOR: "sip:bob@example.com", User: "bob", Password: "secret", Destination: server.Addr(),
	})
	if err != nil {
		log.Fatal(err)
	}

	alice, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0"}, sipua.Handlers{})
	if err != nil {
		log.Fatal(err)
	}
	defer alice.Close()
	call, err := alice.Invite(ctx, sipua.InviteRequest{
		URI: "sip:bob@example.com", From: "sip:alice@example.com", To: "sip:bob@example.com", Destination: server.Addr(),
		Body: []byte(offer), ContentType: "application/sdp",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := call.Ack(ctx, nil, ""); err != nil {
		log.Fatal(err)
	}
	if err := call.Bye(ctx); err != nil {
		log.Fatal(err)
	}
	<-ended
	fmt.Println("call ended")
	if err := registration.Unregister(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// call from sip:alice@example.com
	// call ended
}

// A call carries an SDP offer in the INVITE and the answer in the 200. A re-INVITE changes
// the session.
func ExampleUA_Invite() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	callee, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0"}, sipua.Handlers{
		Invite: func(in *sipua.IncomingCall) {
			in.OnReinvite(func(_ context.Context, offer []byte) ([]byte, error) { return []byte(answer), nil })
			call, _, err := in.Answer(ctx, []byte(answer), "application/sdp")
			if err != nil {
				log.Print(err)
				return
			}
			<-call.Done()
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer callee.Close()
	caller, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0"}, sipua.Handlers{})
	if err != nil {
		log.Fatal(err)
	}
	defer caller.Close()

	call, err := caller.Invite(ctx, sipua.InviteRequest{
		URI: "sip:" + callee.Addr() + ";transport=tcp", From: `"Alice" <sip:alice@example.com>`, To: "sip:bob@example.com",
		Body: []byte(offer), ContentType: "application/sdp",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := call.Ack(ctx, nil, ""); err != nil { // the answer was in the 200
		log.Fatal(err)
	}
	fmt.Println(string(call.RemoteBody()) == answer)
	changed, err := call.Reinvite(ctx, []byte(offer), "application/sdp")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(changed) == answer)
	if err := call.Bye(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// true
	// true
}

// A watcher subscribes to the registrations of a user.
func ExampleUA_WatchRegistrations() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	server, err := sipserver.New(sipserver.Config{Addr: "127.0.0.1:0", Domain: "example.com"})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	watcher, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0"}, sipua.Handlers{})
	if err != nil {
		log.Fatal(err)
	}
	defer watcher.Close()
	changes := make(chan regevent.Registration, 10)
	subscription, err := watcher.WatchRegistrations(ctx, sipua.RegWatchRequest{
		AOR: "sip:bob@example.com", From: "sip:watcher@example.com", Destination: server.Addr(),
		OnChange: func(r regevent.Registration) { changes <- r },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer subscription.Close()
	fmt.Println((<-changes).State)

	bob, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "bob"}, sipua.Handlers{})
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close()
	registration, err := bob.Register(ctx, sipua.RegisterRequest{Registrar: "sip:example.com", AOR: "sip:bob@example.com", Destination: server.Addr()})
	if err != nil {
		log.Fatal(err)
	}
	r := <-changes
	fmt.Println(r.State, r.Contacts[0].URI == bob.Contact())
	if err := registration.Unregister(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println((<-changes).State)
	// Output:
	// init
	// active true
	// terminated
}
