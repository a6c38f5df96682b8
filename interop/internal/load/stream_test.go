package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// A scriptedReceiver is an MSRP endpoint of a few lines: it reads messages of 10 bytes and
// answers as it is told to.
func scriptedReceiver(t *testing.T, answer func(n int, tid string) string) (path string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		for n := 0; ; n++ {
			tid := ""
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if rest, ok := strings.CutPrefix(line, "MSRP "); ok {
					tid, _, _ = strings.Cut(rest, " ")
				}
				if strings.HasPrefix(line, "-------") {
					if line != "-------"+tid+"$\r\n" {
						t.Errorf("message %d begins with %s and ends with %q", n, tid, line)
					}
					break
				}
			}
			if _, err := io.WriteString(conn, answer(n, tid)); err != nil {
				return
			}
		}
	}()
	return "msrp://" + l.Addr().String() + "/x;tcp"
}

func response200(tid string, status int) string {
	return fmt.Sprintf("MSRP %s %d OK\r\nTo-Path: msrp://a:9/b;tcp\r\nFrom-Path: msrp://c:9/d;tcp\r\n-------%s$\r\n", tid, status, tid)
}

// TestStream sends for a moment to receivers that answer one by one, several at once, not
// in order, in pieces, with an error, twice, and not at all.
func TestStream(t *testing.T) {
	var held []string
	for _, tc := range []struct {
		name    string
		answer  func(n int, tid string) string
		wantErr string
	}{
		{"one by one", func(_ int, tid string) string { return response200(tid, 200) }, ""},
		{"two at once, the later first", func(_ int, tid string) string {
			if held = append(held, tid); len(held) < 2 {
				return ""
			}
			defer func() { held = nil }()
			return response200(held[1], 200) + response200(held[0], 200)
		}, ""},
		{"an error", func(n int, tid string) string { return response200(tid, 200+n*213) }, "413"},
		{"twice", func(_ int, tid string) string { return response200(tid, 200) + response200(tid, 200) }, "not in flight"},
		{"never sent", func(int, string) string { return response200("s000004095", 200) }, "not in flight"},
		{"not MSRP", func(int, string) string { return "SIP/2.0 200 OK\r\n-------x$\r\n" }, "is no answer"},
		{"nothing", func(int, string) string { return "" }, "4 messages have no answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := scriptedReceiver(t, tc.answer)
			call := &Call{c: &Caller{addr: "127.0.0.1:5060"}, id: "abcdefgh", path: path}
			s, err := call.Stream(context.Background(), bytes.Repeat([]byte("x"), 10), 4)
			if err != nil {
				t.Fatal(err)
			}
			defer call.msrp.Close()
			n := 0
			err = s.Run(time.Now().Add(50*time.Millisecond), 300*time.Millisecond, func(time.Time, time.Duration) { n++ })
			if tc.wantErr == "" && (err != nil || n != s.next || n < 5) {
				t.Errorf("%d of %d were answered: %v", n, s.next, err)
			}
			if tc.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tc.wantErr)) {
				t.Errorf("got %v", err)
			}
		})
	}
}
