package mscp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/gomscp/gomscp/internal/testutil"
)

var benchRequest = &RestoreMsg{"sip:alice@example.com", "sip:bob@example.com", "a84b4c71@10.0.0.2;1923;1134", "", ""}

// BenchmarkTransactions makes requests over one loopback TCP channel, with 1
// and with 64 of them outstanding. What it is held against is the same
// exchange of as many bytes with a length before them, and nothing read from
// them: the same goroutines wait for the same answers in the same way. Both
// run in turns, so that a noisy machine is noisy for both; "ratio" is ours
// over theirs. All requests are about one connection, so that each waits for the one
// before, or each caller has its own. In the last one both ends read each document by
// etree, too.
func BenchmarkTransactions(b *testing.B) {
	for _, bc := range []struct {
		name                     string
		outstanding, connections int
		cfg                      Config
	}{{"1", 1, 1, Config{}}, {"64", 64, 1, Config{}}, {"64connections", 64, 64, Config{}}, {"64etree", 64, 1, Config{Trace: readByEtree}}} {
		b.Run(bc.name, func(b *testing.B) {
			requests := make([]*RestoreMsg, bc.connections)
			for i := range requests {
				r := *benchRequest
				r.ConnectionID = fmt.Sprintf("%02d%s", i, r.ConnectionID[2:])
				requests[i] = &r
			}
			as, ms := testutil.TCPPair(b)
			c, s := NewClient(as, bc.cfg), NewServer(ms, echo, bc.cfg)
			defer s.Close()
			defer c.Close()
			bare := newBareClient(b)
			const turn = 2000 // transactions
			var ours, theirs time.Duration
			n := 0
			for b.Loop() {
				ours += together(bc.outstanding, turn, func(worker int) error {
					_, err := c.Do(context.Background(), requests[worker%bc.connections])
					return err
				}, b)
				theirs += together(bc.outstanding, turn, func(int) error { return bare.do() }, b)
				n += turn
			}
			b.ReportMetric(float64(n)/ours.Seconds(), "tx/s")
			b.ReportMetric(float64(n)/theirs.Seconds(), "bare-tx/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
		})
	}
}

// readByEtree reads the document of a PDU that has come.
func readByEtree(e TraceEvent) {
	if e.Sent {
		return
	}
	_, body, _ := bytes.Cut(e.Raw, []byte("\r\n\r\n"))
	if err := etree.NewDocument().ReadFromBytes(body); err != nil {
		panic(err)
	}
}

// BenchmarkReaders reads a RestoreMsg: by this package, from bytes to the element, and by
// etree, to a tree.
func BenchmarkReaders(b *testing.B) {
	doc := Document{Kind: Request, Element: benchRequest}
	body := doc.Encode(Draft)
	for _, bc := range []struct {
		name string
		read func() error
	}{
		{"own", func() error { _, err := ParseDocument(body); return err }},
		{"etree", func() error { return etree.NewDocument().ReadFromBytes(body) }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bc.read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// together runs do n times, in width goroutines.
func together(width, n int, do func(worker int) error, b *testing.B) time.Duration {
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	began := time.Now()
	for worker := range width {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(worker); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// A bareClient exchanges PDUs' worth of bytes with an 8-byte id and a 4-byte
// length before them.
type bareClient struct {
	c       net.Conn
	request []byte

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan []byte
}

func newBareClient(b *testing.B) *bareClient {
	doc := Document{Kind: Request, Element: benchRequest}
	size := len(doc.Encode(Draft)) + len("REQ MSCP/1.0 1234567890\r\nContent-Type: application/mscp+xml\r\nContent-Length: 200\r\n\r\n")
	as, ms := testutil.TCPPair(b)
	k := &bareClient{c: as, request: make([]byte, size-12), waiting: map[uint64]chan []byte{}}
	var work sync.WaitGroup
	work.Go(func() { bareServe(ms) })
	work.Go(k.read)
	b.Cleanup(func() { as.Close(); ms.Close(); work.Wait() })
	return k
}

func bareFrame(id uint64, body []byte) []byte {
	f := make([]byte, 12+len(body))
	binary.BigEndian.PutUint64(f, id)
	binary.BigEndian.PutUint32(f[8:], uint32(len(body)))
	copy(f[12:], body)
	return f
}

func readBare(r *bufio.Reader) (id uint64, body []byte, err error) {
	var head [12]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, binary.BigEndian.Uint32(head[8:]))
	_, err = io.ReadFull(r, body)
	return binary.BigEndian.Uint64(head[:]), body, err
}

// bareServe answers each frame with its own bytes, in a goroutine of its own.
func bareServe(c net.Conn) {
	var mu sync.Mutex
	var work sync.WaitGroup
	defer work.Wait()
	r := bufio.NewReader(c)
	for {
		id, body, err := readBare(r)
		if err != nil {
			return
		}
		work.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			_, _ = c.Write(bareFrame(id, body))
		})
	}
}

func (k *bareClient) read() {
	r := bufio.NewReader(k.c)
	for {
		id, body, err := readBare(r)
		if err != nil {
			return
		}
		k.mu.Lock()
		answer := k.waiting[id]
		delete(k.waiting, id)
		k.mu.Unlock()
		answer <- body
	}
}

func (k *bareClient) do() error {
	answer := make(chan []byte, 1)
	k.mu.Lock()
	k.next++
	k.waiting[k.next] = answer
	_, err := k.c.Write(bareFrame(k.next, k.request))
	k.mu.Unlock()
	if err == nil {
		<-answer
	}
	return err
}
