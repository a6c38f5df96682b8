package sipua

import (
	"log/slog"
	"sync"
	"time"
)

// A changeLog logs the changes of many subscriptions: the first few in a line each, and
// those that follow within a minute in one line.
type changeLog struct {
	ua *agent

	mu    sync.Mutex
	timer *time.Timer // ends the window; nil while there is none
	lines int         // written in this window
	more  map[string]int
	last  map[string][]any // the arguments of the last one that was only counted
}

// note logs msg, or counts it. The messages must be few.
func (c *changeLog) note(msg string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer == nil {
		c.timer = time.AfterFunc(changeWindow, c.flush)
	}
	if c.lines < changeLines {
		c.lines++
		c.ua.note(slog.LevelInfo, msg, args...)
		return
	}
	if c.more == nil {
		c.more, c.last = map[string]int{}, map[string][]any{}
	}
	c.more[msg]++
	c.last[msg] = args
}

// flush ends a window. If it had changes to sum up, another window begins.
func (c *changeLog) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for msg, n := range c.more {
		c.ua.note(slog.LevelInfo, msg+"; only the last of several events is logged", append([]any{"more", n}, c.last[msg]...)...)
	}
	if len(c.more) > 0 {
		c.timer = time.AfterFunc(changeWindow, c.flush)
	} else {
		c.timer, c.lines = nil, 0
	}
	c.more, c.last = nil, nil
}

// close drops the changes that were only counted.
func (c *changeLog) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
	c.more, c.last = nil, nil
}
