package daemon

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Direction of a traced message, as seen by the node that traced it.
const (
	Sent     = "sent"
	Received = "received"
)

// Direction is Sent or Received.
func Direction(sent bool) string {
	if sent {
		return Sent
	}
	return Received
}

// TraceRecord is one SIP, MSCP or MSRP message as one node sent or received
// it: one JSON object, on a line of its own, in a trace file.
type TraceRecord struct {
	Time      time.Time `json:"time"`
	Node      string    `json:"node"`           // the name of the tracing node, "as" or "ms1"
	Protocol  string    `json:"protocol"`       // SIP, MSCP or MSRP
	Direction string    `json:"direction"`      // Sent or Received
	Local     string    `json:"local"`          // host:port of the node
	Peer      string    `json:"peer"`           // host:port of the other side
	Raw       string    `json:"raw"`            // the message; a long MSRP body is cut
	Size      int       `json:"size,omitempty"` // its size on the wire, where Raw is cut
}

// traceBuffer is the size in bytes of the buffer before the trace file.
const traceBuffer = 64 << 10

// TraceWriter writes trace records to a file. It is safe for use by many
// goroutines. A write that fails is remembered and reported by Close; it
// never stops the traffic that is being traced.
type TraceWriter struct {
	node string

	mu   sync.Mutex
	w    *bufio.Writer
	c    io.Closer
	err  error
	done bool
}

// OpenTrace opens a trace for the named node. path "" gives a nil writer,
// which discards everything; "-" writes to standard output; anything else is
// a file that is appended to.
func OpenTrace(path, node string) (*TraceWriter, error) {
	switch path {
	case "":
		return nil, nil
	case "-":
		return &TraceWriter{node: node, w: bufio.NewWriterSize(os.Stdout, traceBuffer)}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	return &TraceWriter{node: node, w: bufio.NewWriterSize(f, traceBuffer), c: f}, nil
}

// Enabled reports whether records go anywhere.
func (t *TraceWriter) Enabled() bool { return t != nil }

// Record writes one record; its Node is filled in. Each record is flushed, so
// that whoever reads along sees it at once.
func (t *TraceWriter) Record(r TraceRecord) {
	if t == nil {
		return
	}
	r.Node = t.node
	b, err := json.Marshal(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done || t.err != nil {
		return
	}
	if err == nil {
		_, err = t.w.Write(append(b, '\n'))
	}
	if err == nil {
		err = t.w.Flush()
	}
	t.err = err
}

// Close flushes and closes the file, and reports the first error there was.
func (t *TraceWriter) Close() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done {
		return t.err
	}
	t.done = true
	if err := t.w.Flush(); t.err == nil {
		t.err = err
	}
	if t.c != nil {
		if err := t.c.Close(); t.err == nil {
			t.err = err
		}
	}
	return t.err
}
