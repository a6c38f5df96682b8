package msrp

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
)

func discard(_ context.Context, m *Incoming) error { _, err := io.Copy(io.Discard, m); return err }

// BenchmarkSmall sends messages of 1 KB, 8 at a time.
func BenchmarkSmall(b *testing.B) {
	p := newPair(b, withHandler(discard))
	body := strings.Repeat("x", 1024)
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := w; i < b.N; i += 8 {
				if _, err := p.a.Send(context.Background(), textMessage(body)); err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// BenchmarkSmallOneByOne waits for each answer before the next message.
func BenchmarkSmallOneByOne(b *testing.B) {
	p := newPair(b, withHandler(discard))
	body := strings.Repeat("x", 1024)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := p.a.Send(context.Background(), textMessage(body)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// BenchmarkLarge sends a message of 64 MB.
func BenchmarkLarge(b *testing.B) {
	p := newPair(b, withHandler(discard))
	const size = 64 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		m := Message{ContentType: "application/octet-stream", Body: io.LimitReader(zeros{}, size), Size: size}
		if _, err := p.a.Send(context.Background(), m); err != nil {
			b.Fatal(err)
		}
	}
}
