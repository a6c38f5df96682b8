package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/internal/load"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/ms"
)

var (
	memorySessions = flag.Int("memory-sessions", 100, "how many sessions TestMemoryLimit fills")
	memoryLimit    = flag.Int64("memory-limit", 64<<20, "limits.memory of the media server in TestMemoryLimit, in bytes")
)

// TestMemoryLimit fills sessions with 16 messages each of which 60 KB have come and the rest
// never does: first of one caller over UDP, then of many. The media server keeps within
// its memory, refuses what is too much, and meanwhile another's message is taken and
// delivered. -memory-sessions 600 -memory-limit 536870912 is the default limit, and more
// than it has.
func TestMemoryLimit(t *testing.T) {
	const messages = 16
	e := newEnv(t, envOptions{time: 5 * time.Minute, configMS: func(_ int, c *ms.Config) { c.Limits.Memory = *memoryLimit }})
	before := statusBytes(t, e.cluster.MS[0].Pid(), "RssAnon:")
	memory := e.watchMemory()
	first := bytes.Repeat([]byte("x"), 60_000)
	fill := func(user func(i int) string) (calls []*load.Call, taken, refused int) {
		t.Helper()
		for i := range *memorySessions {
			caller, err := load.New(e.cluster.AS.SIP, false)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { caller.Close() })
			caller.User = user(i)
			call, err := caller.Invite(e.ctx, "absent")
			if err != nil {
				// 480: the media server has refused RestoreMsg for this sender.
				if !strings.Contains(err.Error(), "503") && !strings.Contains(err.Error(), "480") {
					t.Fatalf("session %d: %v", i, err)
				}
				refused += messages
				continue
			}
			calls = append(calls, call)
			for range messages {
				switch err := call.Begin(e.ctx, first, 100_000); {
				case err == nil:
					taken++
				case strings.Contains(err.Error(), " 413 "):
					refused++
				default:
					t.Fatalf("session %d: %v", i, err)
				}
			}
		}
		return calls, taken, refused
	}
	others := func(text string) {
		t.Helper()
		e.leave(alice, bob, text)
		box := newInbox()
		phone := e.register(softphone.Config{User: bob}, box)
		box.want(t, alice+" "+text)
		if err := phone.Unregister(e.ctx); err != nil {
			t.Error(err)
		}
	}
	held := *memoryLimit / 4 * 3
	one, taken, refused := fill(func(int) string { return "load" })
	t.Logf("one caller: %d messages were begun, %d refused", taken, refused)
	if most := held / 8 / int64(len(first)); int64(taken) > most {
		t.Errorf("that is more than an eighth of what may be held, %d", most)
	}
	others("while one fills the memory")
	many, taken, refused := fill(func(i int) string { return fmt.Sprint("load", i) })
	t.Logf("many callers: %d messages were begun, %d refused", taken, refused)
	for _, call := range append(one, many...) {
		if err := call.Bye(e.ctx); err != nil {
			t.Error(err)
		}
	}
	others("after it")
	e.eventually("nothing is held", func() bool { return e.metric(e.cluster.MS[0], `mscp_mediaserver_held_bytes{for="store"}`) == "0" })
	for name, most := range memory() {
		t.Logf("%s had %d MB at most, %d MB before", name, most>>20, before>>20)
		if name != "as" && int64(most) > *memoryLimit {
			t.Errorf("%s is over its limit of %d MB", name, *memoryLimit>>20)
		}
	}
}
