package presence

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const testRecipient = "sip:bob@example.com"

// TestRegistrations has REGISTERs come in every order, and checks what a
// watcher is told.
func TestRegistrations(t *testing.T) {
	type register struct {
		at     int // second
		life   int // seconds
		callID string
		seq    uint32
	}
	for name, tc := range map[string]struct {
		registers []register
		max       int
		watch     int    // second
		want      string // "second word"
	}{
		"nothing":            {want: ""},
		"before the watch":   {[]register{{0, 100, "a", 1}}, 10, 5, "5 open, 100 closed"},
		"over before":        {[]register{{0, 4, "a", 1}}, 10, 5, ""},
		"after the watch":    {[]register{{5, 100, "a", 1}}, 10, 0, "5 open, 105 closed"},
		"refreshed":          {[]register{{0, 100, "a", 1}, {90, 100, "a", 2}}, 10, 0, "0 open, 90 open, 190 closed"},
		"unregistered":       {[]register{{0, 100, "a", 1}, {10, 0, "a", 2}}, 10, 0, "0 open, 10 closed"},
		"repeated":           {[]register{{0, 100, "a", 1}, {1, 100, "a", 1}}, 10, 0, "0 open, 100 closed"},
		"overtaken":          {[]register{{0, 0, "a", 2}, {1, 100, "a", 1}}, 10, 0, "0 closed"},
		"overtaken, watched": {[]register{{0, 0, "a", 2}, {1, 100, "a", 1}}, 10, 5, ""},
		"another registrar":  {[]register{{0, 100, "a", 7}, {10, 100, "b", 1}}, 10, 0, "0 open, 10 open, 110 closed"},
		"no more room":       {[]register{{0, 100, "a", 1}}, 0, 5, ""},
		"no room, but heard": {[]register{{5, 100, "a", 1}}, 0, 0, "5 open"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &registrar{byURI: map[string]*registered{}, watchers: map[string]map[*watcher]bool{}, max: tc.max}
				defer r.close()
				began := time.Now()
				var got []string
				var stop func()
				for at := range 200 {
					if at == tc.watch {
						stop = r.watch(testRecipient, func(reachable, _ bool) {
							word := map[bool]string{true: "open", false: "closed"}[reachable]
							got = append(got, fmt.Sprintf("%d %s", int(time.Since(began).Seconds()), word))
						})
					}
					for _, g := range tc.registers {
						if g.at == at {
							r.apply(testRecipient, time.Duration(g.life)*time.Second, g.callID, g.seq)
						}
					}
					time.Sleep(time.Second)
				}
				stop()
				if s := strings.Join(got, ", "); s != tc.want {
					t.Errorf("told %q, want %q", s, tc.want)
				}
				if len(r.watchers) != 0 {
					t.Error("a watcher is left")
				}
			})
		})
	}
}
