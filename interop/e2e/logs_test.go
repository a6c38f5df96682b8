package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
)

// TestOneLineForASession follows a store call and a push call through the logs of both
// servers, at their default level, by one word each: it is on one line of each server,
// which tells all that there is to tell.
func TestOneLineForASession(t *testing.T) {
	e := newEnv(t, envOptions{})
	e.leave(alice, bob, "one")
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	box.want(t, alice+" one")
	e.wantKept(0)
	of := " from=" + alice + " to=" + bob
	for _, msg := range []string{"store session ended", "push session ended"} {
		var session string
		e.eventually("the "+msg, func() bool {
			session = sessionOf(e.cluster.AS, msg)
			return session != "" && len(linesOf(e.cluster.MS[0], session)) > 0
		})
		for p, want := range map[*cluster.Process]string{e.cluster.AS: of + " ms=ms1 ", e.cluster.MS[0]: of + " messages=1 bytes=3 seconds="} {
			lines := linesOf(p, session)
			if len(lines) != 1 || !strings.Contains(lines[0], `msg="`+msg+`"`) || !strings.Contains(lines[0], want) || strings.Contains(lines[0], "err=") {
				t.Errorf("%s, %s:\n%s", p.Name, msg, strings.Join(lines, ""))
			}
		}
	}
}

var sessionName = regexp.MustCompile(`session=([0-9a-f]{32}) `)

// sessionOf is the session that a line is about.
func sessionOf(p *cluster.Process, msg string) string {
	for line := range strings.Lines(p.LogTail(1000)) {
		if m := sessionName.FindStringSubmatch(line); m != nil && strings.Contains(line, `"`+msg+`"`) {
			return m[1]
		}
	}
	return ""
}

func linesOf(p *cluster.Process, session string) (lines []string) {
	for line := range strings.Lines(p.LogTail(1000)) {
		if strings.Contains(line, session) {
			lines = append(lines, line)
		}
	}
	return lines
}
