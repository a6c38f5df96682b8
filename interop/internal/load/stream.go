package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// streamBuffer bounds what a Stream reads at once, in bytes.
const streamBuffer = 32 << 10

// A Stream sends messages of one size in a call, so many of them in flight, with as
// little processor time as it can: the frame is made once, only its numbers change, and
// the messages that answers make room for are one write.
type Stream struct {
	conn   net.Conn
	window int
	frame  []byte
	slots  []int                // where the number of the message stands in frame
	sent   [maxBehind]time.Time // by the message's number; zero once it has its answer
	next   int                  // the number of the message that is sent next

	out, in []byte
	have    int // bytes of in
}

// maxBehind is how many messages may be sent and answered while one waits. It is more
// than any window.
const maxBehind = 4096

// numberWidth is how many digits the number of a message has.
const numberWidth = 9

// Stream connects to the MSRP side of the call. It takes the place of Send.
func (call *Call) Stream(ctx context.Context, body []byte, window int) (*Stream, error) {
	_, rest, _ := strings.Cut(call.path, "://")
	addr, _, _ := strings.Cut(rest, "/")
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	call.msrp = conn
	host, _, _ := net.SplitHostPort(call.c.addr)
	number := strings.Repeat("0", numberWidth)
	frame := fmt.Sprintf("MSRP s%s SEND\r\nTo-Path: %s\r\nFrom-Path: msrp://%s:9/%s;tcp\r\nMessage-ID: %s.%s\r\nByte-Range: 1-%d/%d\r\nContent-Type: text/plain\r\n\r\n",
		number, call.path, host, call.id, number, call.id, len(body), len(body))
	s := &Stream{conn: conn, window: min(window, maxBehind), in: make([]byte, streamBuffer)}
	s.frame = fmt.Appendf([]byte(frame), "%s\r\n-------s%s$\r\n", body, number)
	end := len(s.frame) - len(number) - len("$\r\n")
	s.slots = []int{len("MSRP s"), strings.Index(frame, "Message-ID: ") + len("Message-ID: "), end}
	return s, nil
}

// Run sends until the time until, and waits for the answers to all. It calls done for each
// message with the time that its answer has taken, in the order of the answers. An answer
// other than 200 is an error, and so is none within patience.
func (s *Stream) Run(until time.Time, patience time.Duration, done func(at time.Time, took time.Duration)) error {
	if err := s.send(s.window); err != nil {
		return err
	}
	for open := s.window; open > 0; {
		if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		n, err := s.conn.Read(s.in[s.have:])
		if err != nil {
			return fmt.Errorf("MSRP: %d messages have no answer: %w", open, err)
		}
		s.have += n
		now := time.Now()
		answers, err := s.answers(now, done)
		if err != nil {
			return err
		}
		open -= answers
		if now.Before(until) && answers > 0 {
			if err := s.send(answers); err != nil {
				return err
			}
			open += answers
		}
	}
	return nil
}

// send writes the next n messages at once.
func (s *Stream) send(n int) error {
	s.out = s.out[:0]
	now := time.Now()
	for range n {
		var number [numberWidth]byte
		for i, v := numberWidth-1, s.next; i >= 0; i, v = i-1, v/10 {
			number[i] = byte('0' + v%10)
		}
		for _, at := range s.slots {
			copy(s.frame[at:], number[:])
		}
		sent := &s.sent[s.next%maxBehind]
		if !sent.IsZero() {
			return fmt.Errorf("MSRP: message %d has no answer, and %d after it have", s.next-maxBehind, maxBehind-s.window)
		}
		*sent = now
		s.out = append(s.out, s.frame...)
		s.next++
	}
	_, err := s.conn.Write(s.out)
	return err
}

// answers takes the whole responses out of what was read, and returns how many there were.
func (s *Stream) answers(now time.Time, done func(at time.Time, took time.Duration)) (int, error) {
	n, rest := 0, s.in[:s.have]
	for {
		end := bytes.Index(rest, []byte("\n-------"))
		if end < 0 {
			break
		}
		stop := bytes.IndexByte(rest[end+1:], '\n')
		if stop < 0 {
			break
		}
		number, err := answered(rest)
		if err != nil {
			return n, err
		}
		sent := &s.sent[number%maxBehind]
		if number >= s.next || number < s.next-maxBehind || sent.IsZero() {
			return n, fmt.Errorf("MSRP: an answer to message %d, which is not in flight", number)
		}
		done(now, now.Sub(*sent))
		*sent = time.Time{}
		n++
		rest = rest[end+1+stop+1:]
	}
	if len(rest) == len(s.in) {
		return n, io.ErrShortBuffer
	}
	s.have = copy(s.in, rest)
	return n, nil
}

// answered is the number of the message that a response, which begins b, says 200 to.
func answered(b []byte) (int, error) {
	line, _, _ := bytes.Cut(b, []byte("\r\n"))
	rest, ok := bytes.CutPrefix(line, []byte("MSRP s"))
	if !ok || len(rest) < numberWidth+len(" 200") {
		return 0, fmt.Errorf("MSRP: %.60q is no answer", line)
	}
	if !bytes.HasPrefix(rest[numberWidth:], []byte(" 200")) {
		return 0, fmt.Errorf("MSRP: %.60q", line)
	}
	number, err := strconv.Atoi(string(rest[:numberWidth]))
	if err != nil {
		return 0, errors.Join(fmt.Errorf("MSRP: %.60q is no answer", line), err)
	}
	return number, nil
}
