package msrp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"
	"sync"

	"github.com/gomscp/gomscp/msrp"
)

// A session from the offer to its first message. The offerer connects; what it
// calls offer and answer travels in SIP.
func Example() {
	ctx := context.Background()

	// The offerer. It takes no connections, but its URI needs a port.
	caller, err := msrp.ParseURI("msrp://127.0.0.1:2855/iau39soe2843zqpm47cj;tcp")
	if err != nil {
		log.Fatal(err)
	}
	offer, err := (&msrp.Media{
		Port: caller.Port, Path: msrp.Path{caller}, AcceptTypes: []string{"text/plain"}, Setup: msrp.SetupActive,
	}).Offer()
	if err != nil {
		log.Fatal(err)
	}

	// The answerer, with one port for all its sessions.
	listener, err := msrp.Listen("127.0.0.1:0", msrp.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	theirs, err := msrp.ParseSDP(offer)
	if err != nil {
		log.Fatal(err)
	}
	callee := listener.NewURI("")
	answer, err := (&msrp.Media{
		Port: callee.Port, Path: msrp.Path{callee}, AcceptTypes: []string{"text/plain"}, MaxSize: 10_000,
		Setup: theirs.Setup.Answer(),
	}).Answer(offer)
	if err != nil {
		log.Fatal(err)
	}
	messages := make(chan string, 1)
	config := msrp.SessionConfig{
		Local: callee, AcceptTypes: []string{"text/plain"}, MaxSize: 10_000,
		Handler: func(_ context.Context, m *msrp.Incoming) error {
			b, err := io.ReadAll(m) // MaxSize bounds it
			messages <- string(b)
			return err
		},
	}
	config.SetPeer(theirs)
	if _, err = listener.Accept(config); err != nil { // before the answer is sent
		log.Fatal(err)
	}

	// The offerer again, with the answer.
	ours, err := msrp.ParseSDP(answer)
	if err != nil {
		log.Fatal(err)
	}
	config = msrp.SessionConfig{Local: caller}
	config.SetPeer(ours)
	session, err := msrp.Dial(ctx, msrp.Config{}, config)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	_, err = session.Send(ctx, msrp.Message{
		ContentType: "text/plain", Body: strings.NewReader("Hey Bob, are you there?"), Size: 23})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-messages)
	// Output: Hey Bob, are you there?
}

// Up to 16 messages under way, in order, each waiting for its own answer.
func ExampleMessage_queued() {
	received := make(chan string, 100)
	session, _, end := joined(msrp.Config{Window: 16}, msrp.SessionConfig{},
		msrp.SessionConfig{MaxSize: 1000, Handler: func(ctx context.Context, m *msrp.Incoming) error {
			b, err := io.ReadAll(m)
			if err != nil {
				return err
			}
			if _, err := m.InOrder(ctx); err != nil { // handlers run at the same time
				return err
			}
			received <- string(b)
			return nil
		}})
	defer end()

	var sends sync.WaitGroup
	for i := range 100 {
		text := fmt.Sprintf("message %d", i)
		queued := make(chan struct{})
		once := sync.OnceFunc(func() { close(queued) })
		sends.Go(func() {
			defer once() // if Send fails before
			_, err := session.Send(context.Background(), msrp.Message{
				ContentType: "text/plain", Body: strings.NewReader(text), Size: int64(len(text)), Queued: once})
			if err != nil {
				log.Fatal(err)
			}
		})
		<-queued // what is sent now comes behind it
	}
	sends.Wait() // the peer has them all
	for range 98 {
		<-received
	}
	fmt.Println(<-received, "and", <-received)
	// Output: message 98 and message 99
}
