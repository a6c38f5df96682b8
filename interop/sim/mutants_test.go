package sim

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	mutantTime = flag.Duration("sim.mutants", 0, "how long TestMutants tries each mutant; 0: not at all")
	mutantName = flag.String("sim.mutant", "", "the one mutant that TestMutants tries; empty: all")
)

// An edit replaces a text of a file of the module, which is there once.
type edit struct{ file, old, new string }

// mutants are faults that the cluster has had, made anew by taking out what mends them.
var mutants = []struct {
	name  string
	edits []edit
}{
	{"a declined call has the sender forgotten", []edit{
		{"as/internal/mailbox/push.go", "	l.own.fail(now, f)\n	m.log.Debug(\"push will be tried again\", \"sender\"", "	l.own.fail(now, f)\n	if f.About == AboutSender {\n		l.keeps = keepsNothing\n	}\n	m.log.Debug(\"push will be tried again\", \"sender\""},
	}},
	{"a message without Content-Type is kept", []edit{
		{"ms/intake.go", "if !content.HasType(m.ContentType) {", "if false {"},
	}},
	{"an empty session that ends last has its pair forgotten", []edit{
		{"as/internal/mailbox/letter.go", "return l.keeps == keepsNothing && len(l.live) == 0 && len(l.untold) == 0 && !l.unclear", "return l.keeps == keepsNothing"},
		{"as/notified.go", "if r.mailboxes.Report(p, report) || report.Kind == mailbox.KeptNone {", "if r.mailboxes.Report(p, report) || true {"},
	}},
	{"a refusal for one sender is one for all", []edit{
		{"as/internal/mailbox/push.go", "	switch f.About {\n", "	switch AboutUser {\n"},
	}},
	{"nobody is told of restored and imported messages", []edit{
		{"ms/storechange.go", "	c.pairs[p] = true\n", ""},
	}},
	{"a session's end has messages refused that are kept", []edit{
		{"msrp/session_finish.go", "err := s.awaitHandlers(ctx)", "var err error"},
		{"ms/outcome.go", "	if err == nil || ctx.Err() == nil {\n		return nil, err\n	}\n	if pending.Withdraw() {", "	if true {\n		return nil, err\n	}\n	if pending.Withdraw() {"},
		{"ms/intake.go", "		in.noteRefused(err)\n		return errInTime", "		in.noteRefused(err)\n		return &msrp.StatusError{Code: 403, Reason: \"Cannot Store Message\"}"},
	}},
	{"entries of a media server that is gone have mailboxes", []edit{
		{"as/internal/mailbox/mailbox.go", "	if !m.cfg.Pusher.MediaServer(p.Server).Configured {\n		return true, nil // not served now; see Follow\n	}\n", ""},
		{"as/internal/mailbox/follow.go", "		if came[p.Server] {", "		if true {"},
		{"as/internal/mailbox/follow.go", "	if len(gone) > 0 {\n		for _, m := range ms.all() {\n			m.putAside(gone)\n		}\n	}\n", ""},
	}},
	{"a word that comes soon after a refusal is dropped", []edit{
		{"as/internal/mailbox/device.go", "		if !l.refused.IsZero() {\n			l.again", "		if !l.refused.IsZero() && time.Since(l.refused) >= m.cfg.RetryMax {\n			l.again"},
	}},
	{"messages are answered before they are on disk", []edit{
		{"ms/outcome.go", "	err = pending.Wait(ctx)\n	if err == nil || ctx.Err() == nil {", "	if true {\n		return nil, nil\n	}\n	err = pending.Wait(ctx)\n	if err == nil || ctx.Err() == nil {"},
	}},
	{"messages are deleted before they are confirmed", []edit{
		{"ms/deliver.go", "	err = d.send(context.WithoutCancel(ctx), m, queued)", "	err = d.send(context.WithoutCancel(ctx), m, queued)\n	if err != nil {\n		err = nil\n	}\n"},
	}},
	{"a session is counted for ever", []edit{
		{"as/storecall.go", "return func() { endSession(); release() }, nil", "return endSession, nil"},
	}},
}

// TestMutants has TestSim find each mutant, in the time that -sim.mutants gives.
func TestMutants(t *testing.T) {
	if *mutantTime == 0 {
		t.Skip("-sim.mutants says how long to try")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		if *mutantName != "" && *mutantName != m.name {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			overlay, err := overlayOf(root, t.TempDir(), m.edits)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 10*(*mutantTime)+5*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout=0", "-overlay", overlay, "-run", "TestSim$", "./interop/sim", fmt.Sprint("-sim=", *mutantTime))
			cmd.Dir = root
			out, err := cmd.CombinedOutput()
			text := string(out)
			// A run that gets stuck ends the process before it is shrunk: that finds nothing.
			_, found, ok := strings.Cut(text, "seed ")
			if err == nil || !ok || !strings.Contains(text, enoughFor) {
				t.Fatalf("not found in %v: %v\n%s", *mutantTime, err, text)
			}
			first, _, _ := strings.Cut(found, "\n")
			t.Logf("found and shrunk in %v: seed %.200s", time.Since(began).Round(time.Second), first)
		})
	}
}

// overlayOf writes edited copies of files, and the file that has go use them.
func overlayOf(root, dir string, edits []edit) (string, error) {
	texts := map[string]string{}
	for _, e := range edits {
		text, ok := texts[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return "", err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return "", fmt.Errorf("%s has %d times %q", e.file, n, e.old)
		}
		texts[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	replace := map[string]string{}
	for file, text := range texts {
		copied := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, file)] = copied
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, b, 0o600)
}

// TestMutantsApply holds that the texts that mutants replace are there.
func TestMutantsApply(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		if _, err := overlayOf(root, t.TempDir(), m.edits); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}
