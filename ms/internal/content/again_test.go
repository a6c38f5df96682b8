package content

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// shortWriter takes so many bytes, and then fails.
type shortWriter struct {
	taken []byte
	left  int
}

func (s *shortWriter) Write(p []byte) (int, error) {
	n := min(len(p), s.left)
	s.left -= n
	s.taken = append(s.taken, p[:n]...)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// TestAgain reads, and writes, a body whose begin was read, in every way that it can be
// split.
func TestAgain(t *testing.T) {
	const all = "the whole body"
	for i := range len(all) + 1 {
		body := func() io.Reader { return &again{[]byte(all[:i]), strings.NewReader(all[i:])} }
		if err := iotest.TestReader(body(), []byte(all)); err != nil {
			t.Error(err)
		}
		for room := range len(all) + 1 {
			w := &shortWriter{left: room}
			n, err := io.Copy(w, body())
			if n != int64(room) || string(w.taken) != all[:room] || (err == nil) != (room == len(all)) {
				t.Errorf("split at %d, room for %d: %d bytes, %q, %v", i, room, n, w.taken, err)
			}
		}
	}
	broken := &again{[]byte("a"), iotest.ErrReader(errors.ErrUnsupported)}
	if n, err := io.Copy(io.Discard, broken); n != 1 || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %d, %v", n, err)
	}
}

// TestPreviewTakesLittle reads the begin of short messages and writes them on, which must
// not take a buffer as large as that of io.Copy for each.
func TestPreviewTakesLittle(t *testing.T) {
	for _, contentType := range []string{"text/plain", "message/cpim", "image/png"} {
		text := strings.Repeat("x", 1000)
		if contentType == "message/cpim" {
			text = "From: <sip:a@example.com>\r\nTo: <sip:b@example.com>\r\n\r\nContent-Type: text/plain\r\n\r\n" + text
		}
		const runs = 1000
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			_, body, err := ReadPreview(contentType, strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, body); err != nil || n != int64(len(text)) {
				t.Fatalf("%d bytes, %v", n, err)
			}
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / runs; each > 16<<10 {
			t.Errorf("%s: %d bytes for a message of %d", contentType, each, len(text))
		}
	}
}
