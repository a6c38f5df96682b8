package load

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/ms"
)

var otherBinaries = flag.String("log-other", "", "a directory with an mscp-as and an mscp-ms of another version, which TestLogCost measures as well")

// TestLogCost tells what the servers log at their default level, and how much
// processor time they take, for messages of 1 KB in sessions of one and of a hundred.
// With -load it sends 10,000 of each, also with a log that is silent, and also with
// the binaries of -log-other.
func TestLogCost(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
	defer cancel()
	messages := 100
	versions := map[string]cluster.Binaries{"this version": binaries}
	levels := []string{""}
	if *measure {
		messages, levels = 10_000, []string{"", "error"}
		if dir := *otherBinaries; dir != "" {
			versions["the other version"] = cluster.Binaries{AS: filepath.Join(dir, "mscp-as"), MS: filepath.Join(dir, "mscp-ms")}
		}
	}
	for version, bin := range versions {
		for _, level := range levels {
			for _, each := range []int{1, 100} {
				t.Run(fmt.Sprintf("%s, level %q, %d in a session", version, level, each), func(t *testing.T) {
					lines := logCost(t, ctx, bin, level, messages, each)
					if sessions := messages / each; bin == binaries && level == "" && (lines["as"] > sessions || lines["ms1"] > sessions) {
						t.Errorf("%d sessions left %v lines", sessions, lines)
					}
				})
			}
		}
	}
}

// logCost sends messages, so many in each session, prints what that has cost, and
// returns how many lines each server has logged.
func logCost(t *testing.T, ctx context.Context, bin cluster.Binaries, level string, messages, each int) map[string]int {
	c := startClusterOf(t, ctx, bin, func(a *as.Config) { setLevel(&a.Log.Level, level) }, func(m *ms.Config) { setLevel(&m.Log.Level, level) })
	load := caller(t, c.AS.SIP, false)
	r := load.Run(ctx, 50, 4*time.Second, message) // each recipient is known then
	if r.Failed > 0 {
		t.Fatal(r)
	}
	if level == "" {
		awaitEnds(t, c, r.Calls)
	}
	before := map[string]string{}
	for _, p := range c.Processes() {
		before[p.Name] = p.LogTail(1 << 30)
	}
	var failed atomic.Int64
	began := time.Now()
	used := using(map[string]int{"as": c.AS.Pid(), "ms1": c.MS[0].Pid()}, func() {
		forEach(messages/each, 16, func(i int) {
			if err := sendMany(ctx, load, fmt.Sprintf("u%d", i%maxRecipients), each); err != nil && failed.Add(1) == 1 {
				t.Log(err)
			}
		})
	})
	if n := failed.Load(); n > 0 {
		t.Errorf("%d sessions failed", n)
	}
	if level == "" {
		awaitEnds(t, c, r.Calls+messages/each)
	}
	lines := map[string]int{}
	for _, p := range c.Processes() {
		text := strings.TrimPrefix(p.LogTail(1<<30), before[p.Name])
		lines[p.Name] = strings.Count(text, "\n")
		t.Logf("%s: %d messages in %v: %d lines, %d bytes (%.0f a message); %.0f µs of a processor a message", p.Name, messages,
			time.Since(began).Round(time.Millisecond), lines[p.Name], len(text), float64(len(text))/float64(messages),
			float64(used[p.Name].Microseconds())/float64(messages))
	}
	return lines
}

// awaitEnds waits until the logs of all servers have the ends of so many sessions.
func awaitEnds(t *testing.T, c *cluster.Cluster, sessions int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for _, p := range c.Processes() {
		for strings.Count(p.LogTail(1<<30), ` ended"`) < sessions {
			if time.Now().After(deadline) {
				t.Fatalf("the log of %s lacks sessions", p.Name)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// setLevel sets a log level unless the default is asked for.
func setLevel(setting *string, level string) {
	if level != "" {
		*setting = level
	}
}

// sendMany makes one call with n messages.
func sendMany(ctx context.Context, c *Caller, user string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	call, err := c.Invite(ctx, user)
	if err != nil {
		return err
	}
	for range n {
		if err = call.Send(ctx, message); err != nil {
			break
		}
	}
	if byeErr := call.Bye(ctx); err == nil {
		err = byeErr
	}
	return err
}
