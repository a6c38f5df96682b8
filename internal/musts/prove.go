package musts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// mutantTimeout is how long the tests of one mutant may run: one that makes them
// hang is noticed too.
const mutantTimeout = 20 * time.Second

// baseTimeout is how long all tests may run on the code as it is.
const baseTimeout = 5 * time.Minute

// Mutate breaks the code of the package in dir at each tag that matches the
// regular expression only, and runs the tests of its row, with -short. It reports
// an error for each mutant that they do not notice, unless MUTANTS.md in dir says
// why nothing can be noticed. Where a whole function has the tag, one of its
// mutants has to be noticed.
//
// Mutants are made by negating conditions, leaving out their parts, deleting
// statements, and putting zero in the place of values. All are in one binary,
// built by go test -overlay: nothing is written to dir.
func Mutate(t *testing.T, dir, only string) {
	tags, err := regexp.Compile(only)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := prove(context.Background(), dir, t.TempDir(), tags, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

// prove does what Mutate says, and returns what is wrong.
func prove(ctx context.Context, dir, tmp string, only *regexp.Regexp, logf func(string, ...any)) ([]string, error) {
	why, err := readExplained(dir)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(dir, only)
	if err != nil {
		return nil, err
	}
	binary, err := p.build(ctx, tmp)
	if err != nil {
		return nil, err
	}
	var tests []string
	for _, m := range p.mutants {
		tests = append(tests, m.Tests...)
	}
	if failed, out := p.run(ctx, binary, 0, tests, baseTimeout); failed {
		return nil, fmt.Errorf("the tests fail as it is:\n%s", out)
	}
	noticed := map[string]int{} // mutants by tag
	missed := map[string][]*Mutant{}
	failed := p.runAll(ctx, binary)
	for _, m := range p.mutants {
		failed := failed[m]
		for _, tag := range m.Tags {
			if failed {
				noticed[tag]++
			} else if !m.Whole {
				missed[tag] = append(missed[tag], m)
			}
		}
		if !failed {
			logf("not noticed: %v %s:%d: %s %s", m.Tags, m.File, m.Line, m.Kind, m.Code)
		}
	}
	logf("%d mutants at %d tags", len(p.mutants), len(p.tags))
	return report(p.tags, noticed, missed, why), nil
}

// runAll runs the tests of every mutant, two at once for each processor since many only
// wait until they are cut off, and returns those whose tests fail.
func (p *plan) runAll(ctx context.Context, binary string) map[*Mutant]bool {
	var mu sync.Mutex
	all := map[*Mutant]bool{}
	var work sync.WaitGroup
	defer work.Wait()
	todo := make(chan *Mutant)
	defer close(todo)
	for range 2 * runtime.NumCPU() {
		work.Go(func() {
			for m := range todo {
				failed, _ := p.run(ctx, binary, m.ID, m.Tests, mutantTimeout)
				mu.Lock()
				all[m] = failed
				mu.Unlock()
			}
		})
	}
	for _, m := range p.mutants {
		todo <- m
	}
	return all
}

// report says which tags have no mutant that is noticed, and which mutants at a
// single line are not.
func report(tags []string, noticed map[string]int, missed map[string][]*Mutant, why map[string]string) []string {
	var wrong []string
	told := map[string]bool{}
	for _, tag := range tags {
		if why[tag] != "" {
			continue
		}
		explained := 0
		for _, m := range missed[tag] {
			key := m.Key()
			switch {
			case why[key] != "":
				explained++
			case !told[key]:
				told[key] = true
				wrong = append(wrong, fmt.Sprintf("%s: its tests do not notice `%s` (line %d)", tag, key, m.Line))
			}
		}
		if noticed[tag] == 0 && (explained == 0 || explained < len(missed[tag])) {
			wrong = append(wrong, tag+": its tests notice nothing")
		}
	}
	return wrong
}

// readExplained reads MUTANTS.md: rows of a mutant's key, or of a tag, between
// backquotes, and why it is not noticed.
func readExplained(dir string) (map[string]string, error) {
	b, err := os.ReadFile(filepath.Join(dir, "MUTANTS.md"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	why := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(.+)` \\| ([^`]+) \\|$").FindAllStringSubmatch(string(b), -1) {
		key := strings.ReplaceAll(m[1], `\|`, "|")
		if why[key] != "" {
			return nil, fmt.Errorf("MUTANTS.md has `%s` twice", m[1])
		}
		why[key] = m[2]
	}
	return why, nil
}
