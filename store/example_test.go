package store_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/gomscp/gomscp/store"
)

// A message is stored, listed, read and deleted.
func Example() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(filepath.Join(dir, "messages.db"), store.Options{
		Limits: store.Limits{MaxBody: 1 << 20, MaxRecipientMessages: 1000},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	ctx := context.Background()
	w, err := s.Begin(ctx, store.Meta{
		Recipient: "sip:bob@example.com", Sender: "sip:alice@example.com", MessageID: "m1", ContentType: "text/plain",
	})
	if err != nil {
		log.Fatal(err) // a *store.LimitError if it is over a limit
	}
	defer w.Abort() // does nothing after Commit
	if _, err := io.WriteString(w, "Hello, Bob!"); err != nil {
		log.Fatal(err)
	}
	if err := w.Commit().Wait(ctx); err != nil { // nil: the message is on disk
		log.Fatal(err)
	}

	for _, m := range s.Messages("sip:bob@example.com", "") {
		body, err := s.OpenBody(m.ID)
		if err != nil {
			log.Fatal(err)
		}
		text, err := io.ReadAll(body)
		body.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s\n", m.Sender, text)
		if err := s.Delete(ctx, m.ID); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("left:", len(s.Messages("sip:bob@example.com", "")))
	// Output:
	// sip:alice@example.com: Hello, Bob!
	// left: 0
}
