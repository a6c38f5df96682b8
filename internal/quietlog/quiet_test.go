package quietlog

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestOneLineAMinute(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, nil))
	var q Log
	for range 3 {
		q.Warn(log, "refused", "rate", "source", "192.0.2.1")
	}
	q.Warn(log, "refused", "stranger")
	if got := strings.Count(b.String(), "\n"); got != 2 || !strings.Contains(b.String(), "reason=rate source=192.0.2.1") {
		t.Errorf("%d lines: %s", got, &b)
	}
	if n, ok := q.due("rate", time.Now().Add(window+time.Second)); n != 2 || !ok {
		t.Errorf("after the pause: %d left out, %v", n, ok)
	}
	if _, ok := q.due("rate", time.Now().Add(window+2*time.Second)); ok {
		t.Error("two lines in a moment")
	}
}

func TestBurst(t *testing.T) {
	q := Log{Burst: 3}
	now := time.Now()
	for i := range 5 {
		if _, ok := q.due("rate", now); ok != (i < 3) {
			t.Errorf("line %d: %v", i+1, ok)
		}
	}
	if n, ok := q.due("rate", now.Add(window)); n != 2 || !ok {
		t.Errorf("a minute later: %d left out, %v", n, ok)
	}
}
