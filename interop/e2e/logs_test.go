package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/softphone"
)

// TestOneNameInAllLogs follows a store call and a push call through the logs of both
// servers by one word each.
func TestOneNameInAllLogs(t *testing.T) {
	e := newEnv(t, envOptions{})
	e.leave(alice, bob, "one")
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	box.want(t, alice+" one")
	e.wantKept(0)
	for what, tc := range map[string]struct {
		first  string // of the application server's lines
		as, ms []string
	}{
		"store": {"store session began", []string{"store session began", "store session ended"}, []string{"dialog begins", "message stored", "dialog ended"}},
		"push":  {"push begins", []string{"push begins", "push session is up", "push session ends"}, []string{"dialog begins", "message delivered", "dialog ended"}},
	} {
		var session string
		e.eventually("the "+what+" is in the log", func() bool {
			session = sessionOf(e.cluster.AS, tc.first)
			return session != "" && logged(e.cluster.AS, session, tc.as[len(tc.as)-1]) && logged(e.cluster.MS[0], session, "dialog ended")
		})
		for p, lines := range map[*cluster.Process][]string{e.cluster.AS: tc.as, e.cluster.MS[0]: tc.ms} {
			for _, line := range lines {
				if !logged(p, session, line) {
					t.Errorf("%s: %q is not logged with %s", what, line, session)
				}
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

func logged(p *cluster.Process, session, msg string) bool {
	for line := range strings.Lines(p.LogTail(1000)) {
		if strings.Contains(line, session) && strings.Contains(line, `"`+msg+`"`) {
			return true
		}
	}
	return false
}
