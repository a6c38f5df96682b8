package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/wait"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/msrp"
)

// A letter is one message that alice leaves.
type letter struct {
	contentType string
	body        []byte
	report      bool
}

// letters are the demo's messages: a short one, a long one in chunks, and one
// in Chinese.
func letters() []letter {
	long := make([]byte, 2_000_000)
	src := rand.NewChaCha8([32]byte([]byte("a two megabyte message for bob ."))) // always the same bytes
	_, _ = src.Read(long)
	return []letter{
		{"text/plain", []byte("Hello Bob, call me when you are back. Alice"), false},
		{"application/octet-stream", long, true},
		{"text/plain; charset=utf-8", []byte("你好，鲍勃！等你上线再聊。"), true},
	}
}

// An arrival is one message as bob got it.
type arrival struct {
	sender      string
	contentType string
	messageID   string
	size        int
	sum         [sha256.Size]byte
}

// received takes one of bob's messages.
func (s *stage) received(ctx context.Context, m *softphone.Message) error {
	h := sha256.New()
	n, err := io.Copy(h, m)
	if err != nil {
		return err
	}
	release, err := m.InOrder(ctx)
	if err != nil {
		return err
	}
	defer release()
	s.inbox <- arrival{
		sender: m.Sender, contentType: m.ContentType, messageID: m.MessageID,
		size: int(n), sum: [sha256.Size]byte(h.Sum(nil)),
	}
	return nil
}

// leave has alice call bob, who is absent, and leave the letters.
func (s *stage) leave(ctx context.Context, letters []letter) error {
	s.ladder.Note("alice leaves %d messages for bob, who is not registered (the paper's figures 2 and 5a):", len(letters))
	chat, err := s.alice.Call(ctx, bob)
	if err != nil {
		return err
	}
	for i, l := range letters {
		receipt, err := chat.Send(ctx, msrp.Message{
			MessageID: fmt.Sprintf("letter-%d", i+1), ContentType: l.contentType,
			Body: bytes.NewReader(l.body), Size: int64(len(l.body)), SuccessReport: l.report,
		})
		if err == nil {
			err = receipt.Wait(ctx)
		}
		if err != nil {
			return fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	return chat.Close(ctx)
}

// collect has bob register and checks what arrives.
func (s *stage) collect(ctx context.Context, letters []letter) error {
	s.ladder.Note("bob registers, and the messages are pushed (the paper's figures 3 and 5b):")
	if err := s.bob.Register(ctx, time.Minute); err != nil {
		return err
	}
	for i, want := range letters {
		select {
		case got := <-s.inbox:
			if err := compare(want, got, i+1); err != nil {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("%w: %d of %d", errLate, i, len(letters))
		}
	}
	return nil
}

func compare(want letter, got arrival, n int) error {
	id := fmt.Sprintf("letter-%d", n)
	switch {
	case got.messageID != id:
		return fmt.Errorf("message %d to arrive is %s, not %s", n, got.messageID, id)
	case got.sum != sha256.Sum256(want.body):
		return fmt.Errorf("message %s arrived with other bytes (%d of %d)", id, got.size, len(want.body))
	case got.contentType != want.contentType:
		return fmt.Errorf("message %s arrived as %s, not %s", id, got.contentType, want.contentType)
	case got.sender != alice:
		return fmt.Errorf("message %s came from %s, not %s", id, got.sender, alice)
	}
	return nil
}

// kept asks each media server what it keeps.
func (s *stage) kept(ctx context.Context) (total int, lines string, err error) {
	var b strings.Builder
	for _, p := range s.cluster.MS {
		page, err := p.Get(ctx, "/store")
		if err != nil {
			return 0, "", fmt.Errorf("%s: %w", p.Name, err)
		}
		var kept []ms.Kept
		if err := json.Unmarshal([]byte(page), &kept); err != nil {
			return 0, "", fmt.Errorf("%s: %w", p.Name, err)
		}
		if len(kept) == 0 {
			fmt.Fprintf(&b, "  %s keeps nothing\n", p.Name)
		}
		for _, k := range kept {
			total += k.Messages
			fmt.Fprintf(&b, "  %s keeps %d messages, %d bytes, from %s for %s\n", p.Name, k.Messages, k.Bytes, k.Sender, k.Recipient)
		}
	}
	return total, strings.TrimSuffix(b.String(), "\n"), nil
}

func (s *stage) showKept(ctx context.Context, want int) error {
	total, lines, err := s.kept(ctx)
	if err != nil {
		return err
	}
	s.ladder.Note("What is kept now:\n%s", lines)
	if total != want {
		return fmt.Errorf("%d messages are kept, not %d", total, want)
	}
	return nil
}

// showEmpty waits until the push has ended on all sides, which is a moment
// after bob has the last message, and checks that nothing is left.
func (s *stage) showEmpty(ctx context.Context) error {
	for {
		total, lines, err := s.kept(ctx)
		if err != nil {
			return err
		}
		metrics, err := s.cluster.AS.Get(ctx, "/metrics")
		if err != nil {
			return err
		}
		if total == 0 && strings.Contains(metrics, "\nmscp_as_recipients 0\n") {
			s.ladder.Note("What is kept now:\n%s", lines)
			return nil
		}
		if !wait.For(20*time.Millisecond, ctx.Done()) { // the pages have no event to wait for
			return fmt.Errorf("%d messages are still kept:\n%s", total, lines)
		}
	}
}
