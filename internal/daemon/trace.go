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

// Direction returns Sent or Received.
func Direction(sent bool) string {
	if sent {
		return Sent
	}
	return Received
}

// TraceRecord is one SIP, MSCP or MSRP message that a node sent or received. In a trace
// file it is one JSON object on a line.
type TraceRecord struct {
	Time      time.Time `json:"time"`
	Node      string    `json:"node"`           // the name of the tracing node, "as" or "ms1"
	Protocol  string    `json:"protocol"`       // SIP, MSCP or MSRP
	Direction string    `json:"direction"`      // Sent or Received
	Local     string    `json:"local"`          // host:port of the node
	Peer      string    `json:"peer"`           // host:port of the other side
	Raw       string    `json:"raw"`            // the message; a long MSRP body is cut
	Size      int       `json:"size,omitempty"` // its size on the wire, if Raw is cut
}

// traceBuffer is the size in bytes of the buffer before the trace file.
const traceBuffer = 64 << 10

// TraceWriter writes trace records to a file. It is safe for concurrent use. Close
// returns the first error of a write; errors do not stop the traced traffic.
type TraceWriter struct {
	node string

	mu   sync.Mutex
	w    *bufio.Writer
	c    io.Closer
	err  error
	done bool
}

// OpenTrace opens a trace for the node. A path of "" gives a nil writer, which discards
// everything; "-" means standard output; any other path is a file to append to.
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

// Enabled reports whether records are written.
func (t *TraceWriter) Enabled() bool { return t != nil }

// Record writes one record and sets its Node. Each record is flushed, so that a reader of
// the file sees it at once.
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

// Close flushes and closes the file, and returns the first error of the writer.
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
