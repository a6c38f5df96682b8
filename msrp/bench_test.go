package msrp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Each benchmark measures a limit in the same run and reports how much of it
// is reached, as the machine and what else runs on it matter more than we do.

func discard(_ context.Context, m *Incoming) error { _, err := io.Copy(io.Discard, m); return err }

// exampleSend is a SEND of 1 KB as Send writes it, and its answer.
func exampleSend(size int) (request, response []byte) {
	local := "msrp://127.0.0.1:9999/aaaaaaaaaaaaaaaaaaaa;tcp"
	remote := "msrp://127.0.0.1:9999/bbbbbbbbbbbbbbbbbbbb;tcp"
	b := appendRequest(nil, strings.Repeat("t", transactionSize), "SEND", remote, local)
	b = appendField(b, hdrMessageID, strings.Repeat("m", messageIDSize))
	b = appendRange(b, byteRange{1, int64(size), int64(size)})
	b = appendField(b, hdrContentType, "text/plain")
	b = append(b, "\r\n"+strings.Repeat("x", size)+"\r\n"...)
	b = appendEndLine(b, strings.Repeat("t", transactionSize), '$')
	r := appendResponse(nil, strings.Repeat("t", transactionSize), 200, "OK", local, remote)
	return b, appendEndLine(r, strings.Repeat("t", transactionSize), '$')
}

// tcpPair is a bare connection.
func tcpPair(b *testing.B) (a, z net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		b.Fatal(err)
	}
	if z, err = l.Accept(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { a.Close(); z.Close() })
	return a, z
}

// bareAnswers reads n requests and writes a response to each.
func bareAnswers(c net.Conn, n, request int, response []byte) {
	buf := make([]byte, request)
	for range n {
		if _, err := io.ReadFull(c, buf); err != nil {
			return
		}
		c.Write(response)
	}
}

// barePingPong is the time n requests take when each waits for its response.
func barePingPong(b *testing.B, n int) time.Duration {
	request, response := exampleSend(1024)
	a, z := tcpPair(b)
	go bareAnswers(z, n, len(request), response)
	buf := make([]byte, len(response))
	began := time.Now()
	for range n {
		a.Write(request)
		io.ReadFull(a, buf)
	}
	return time.Since(began)
}

// barePipelined is the time n requests and responses take on conns
// connections when nobody waits: one write and one read for each.
func barePipelined(b *testing.B, n, conns int) time.Duration {
	request, response := exampleSend(1024)
	var pairs [][2]net.Conn
	for range conns {
		a, z := tcpPair(b)
		pairs = append(pairs, [2]net.Conn{a, z})
	}
	began := time.Now()
	var wg sync.WaitGroup
	for i, p := range pairs {
		own := n / conns
		if i < n%conns {
			own++
		}
		wg.Add(2)
		go bareAnswers(p[1], own, len(request), response)
		go func() {
			defer wg.Done()
			for range own {
				p[0].Write(request)
			}
		}()
		go func() {
			defer wg.Done()
			buf := make([]byte, len(response))
			for range own {
				io.ReadFull(p[0], buf)
			}
		}()
	}
	wg.Wait()
	took := time.Since(began)
	for _, p := range pairs {
		p[0].Close()
		p[1].Close()
	}
	return took
}

// alternately measures both in turns, so that what else the machine does
// meets both, and reports the ratio of their speeds.
func alternately(b *testing.B, unit string, limit, ours func(n int) time.Duration) {
	const rounds = 10
	var l, o time.Duration
	n := 0
	for i := range rounds {
		part := b.N / rounds
		if i < b.N%rounds {
			part++
		}
		if part > 0 {
			l += limit(part)
			o += ours(part)
			n += part
		}
	}
	b.ReportMetric(float64(n)/o.Seconds(), unit)
	b.ReportMetric(float64(n)/l.Seconds(), "limit-"+unit)
	b.ReportMetric(100*l.Seconds()/o.Seconds(), "%-of-limit")
}

// sendMany sends n messages of 1 KB over the sessions, each by workers.
func sendMany(b *testing.B, sessions []*Session, n, workers int) time.Duration {
	body := strings.Repeat("x", 1024)
	began := time.Now()
	var wg sync.WaitGroup
	w := 0
	for _, s := range sessions {
		for range workers {
			own := n / (len(sessions) * workers)
			if w < n%(len(sessions)*workers) {
				own++
			}
			w++
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range own {
					if _, err := s.Send(context.Background(), textMessage(body)); err != nil {
						b.Error(err)
						return
					}
				}
			}()
		}
	}
	wg.Wait()
	return time.Since(began)
}

// BenchmarkMessages sends messages of 1 KB, each answered: one at a time
// against a ping-pong of the same bytes, and as many as the window takes
// against the same bytes pipelined.
func BenchmarkMessages(b *testing.B) {
	window := func(a, z *Config, _, _ *SessionConfig) { a.Window = 64 }
	b.Run("one by one", func(b *testing.B) {
		p := newPair(b, withHandler(discard))
		b.ReportAllocs()
		b.ResetTimer()
		alternately(b, "msg/s", func(n int) time.Duration { return barePingPong(b, n) },
			func(n int) time.Duration { return sendMany(b, []*Session{p.a}, n, 1) })
	})
	b.Run("1 session", func(b *testing.B) {
		p := newPair(b, withHandler(discard), window)
		b.ReportAllocs()
		b.ResetTimer()
		alternately(b, "msg/s", func(n int) time.Duration { return barePipelined(b, n, 1) },
			func(n int) time.Duration { return sendMany(b, []*Session{p.a}, n, 64) })
	})
	b.Run("1000 sessions", func(b *testing.B) {
		l := testListener(b, Config{})
		var sessions []*Session
		for range 1000 {
			local := l.NewURI("")
			s, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{local}, Handler: discard})
			if err != nil {
				b.Fatal(err)
			}
			a, err := Dial(context.Background(), Config{Logger: quiet}, SessionConfig{Local: local, Remote: Path{s.Local()}})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { a.Close() })
			sessions = append(sessions, a)
		}
		b.ResetTimer()
		alternately(b, "msg/s", func(n int) time.Duration { return barePipelined(b, n, 1000) },
			func(n int) time.Duration { return sendMany(b, sessions, n, 4) })
	})
}

// BenchmarkLarge sends one message in chunks of 64 KB, against a loop that
// writes 64 KB and one that reads it.
func BenchmarkLarge(b *testing.B) {
	const chunk = DefaultChunkSize
	size := int64(1 << 30)
	if testing.Short() {
		size = 64 << 20
	}
	bare := func() time.Duration {
		a, z := tcpPair(b)
		began := time.Now()
		go func() {
			buf := make([]byte, chunk)
			for n := int64(0); n < size; n += chunk {
				clear(buf) // as our source does
				a.Write(buf)
			}
			a.Close()
		}()
		buf := make([]byte, chunk)
		for {
			if _, err := z.Read(buf); err != nil {
				return time.Since(began)
			}
		}
	}
	p := newPair(b, withHandler(discard))
	var limit, ours time.Duration
	b.SetBytes(size)
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		limit += bare()
		b.StartTimer()
		began := time.Now()
		m := Message{ContentType: "application/octet-stream", Body: io.LimitReader(zeros{}, size), Size: size}
		if _, err := p.a.Send(context.Background(), m); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(began)
	}
	b.ReportMetric(float64(size)*float64(b.N)/limit.Seconds()/1e6, "limit-MB/s")
	b.ReportMetric(100*limit.Seconds()/ours.Seconds(), "%-of-limit")
}

// BenchmarkIdleSessions tells what a session costs that is bound and silent,
// each on a connection of its own to one port.
func BenchmarkIdleSessions(b *testing.B) {
	const sessions = 9000 // each takes two descriptors here
	for range b.N {
		var conns []net.Conn
		bare := memoryOf(func() { conns = dialMany(b, sessions, nil) }) // what the sockets alone take
		for _, nc := range conns {
			nc.Close()
		}
		l := testListener(b, Config{})
		used := memoryOf(func() { conns = dialMany(b, sessions, l) })
		b.ReportMetric(float64(used-bare)/sessions/1024, "KB/session")
		for _, nc := range conns {
			nc.Close()
		}
		l.Close()
	}
}

func memoryOf(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc+after.StackInuse) - int64(before.HeapAlloc+before.StackInuse)
}

// dialMany makes n connections that each bind a session of l; without l they
// lead to sockets that nobody reads.
func dialMany(b *testing.B, n int, l *Listener) []net.Conn {
	var conns []net.Conn
	var nl net.Listener
	addr := ""
	if l == nil {
		var err error
		if nl, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			b.Fatal(err)
		}
		defer nl.Close()
		addr = nl.Addr().String()
	} else {
		addr = l.Addr().String()
	}
	buf := make([]byte, 1000)
	for range n {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, nc)
		if l == nil {
			z, err := nl.Accept()
			if err != nil {
				b.Fatal(err)
			}
			z.Close()
			continue
		}
		s, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{l.NewURI("")}, Handler: discard})
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(nc, "MSRP bind1234 SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: bind\r\nByte-Range: 1-0/0\r\n-------bind1234$\r\n", s.Local(), s.Remote())
		if _, err := nc.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
	return conns
}

// bareBatches is the time a socket needs to give n requests to one that reads
// them and writes the responses, batch at a time.
func bareBatches(b *testing.B, n, batch int) time.Duration {
	request, response := exampleSend(1024)
	a, z := tcpPair(b)
	go bareAnswers(z, n/batch, batch*len(request), bytes.Repeat(response, batch))
	all, buf := bytes.Repeat(request, batch), make([]byte, batch*len(response))
	began := time.Now()
	for range n / batch {
		a.Write(all)
		io.ReadFull(a, buf)
	}
	return time.Since(began)
}

// BenchmarkReceive counts the allocations of one SEND received and answered,
// and measures how many there can be; the sender is a socket that does next to
// nothing. It waits for the answers to so many at a time.
func BenchmarkReceive(b *testing.B) {
	for _, batch := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) { benchmarkReceive(b, batch) })
	}
}

func benchmarkReceive(b *testing.B, batch int) {
	l := testListener(b, Config{})
	s, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{l.NewURI("")}, Handler: discard})
	if err != nil {
		b.Fatal(err)
	}
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	var requests []byte
	for i := range batch {
		requests = fmt.Appendf(requests, "MSRP abcdefghijklmn%02d SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: abcdefghijklmnopqr%02d\r\n"+
			"Byte-Range: 1-1024/1024\r\nContent-Type: text/plain\r\n\r\n%s\r\n-------abcdefghijklmn%02d$\r\n",
			i, s.Local(), s.Remote(), i, strings.Repeat("x", 1024), i)
	}
	_, answer := exampleSend(1024) // ours have the same length, but for the URIs
	answer = bytes.ReplaceAll(answer, []byte("msrp://127.0.0.1:9999/aaaaaaaaaaaaaaaaaaaa;tcp"), []byte(s.Local().String()))
	answer = bytes.ReplaceAll(answer, []byte("msrp://127.0.0.1:9999/bbbbbbbbbbbbbbbbbbbb;tcp"), []byte(s.Remote().String()))
	answers := make([]byte, batch*len(answer))
	b.ReportAllocs()
	b.ResetTimer()
	alternately(b, "msg/s", func(n int) time.Duration { return bareBatches(b, n, batch) }, func(n int) time.Duration {
		began := time.Now()
		for range n / batch {
			nc.Write(requests)
			if _, err := io.ReadFull(nc, answers); err != nil || bytes.Count(answers, []byte(" 200 OK\r\n")) != batch {
				b.Fatalf("%q, %v", answers, err)
			}
		}
		return time.Since(began)
	})
}
