package musts

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// environment names the mutant that a test binary is to be.
const environment = "GOMSCP_MUTANT"

// helpers stand beside the mutated files of a package. One binary holds all of
// its mutants.
const helpers = `
import ("os"; "strconv")

var mutantID, _ = strconv.Atoi(os.Getenv("` + environment + `"))

func mutantOn(id int) bool { return id == mutantID }

func mutantZero[T any](id int, v T) T {
	if mutantOn(id) {
		var zero T
		return zero
	}
	return v
}

func mutantReady[T any](id int, c <-chan T) <-chan T {
	if !mutantOn(id) {
		return c
	}
	ready := make(chan T)
	close(ready)
	return ready
}
`

// code is what stands before and behind the code of a mutant.
func (m *Mutant) code() (before, behind string) {
	on := "mutantOn(" + strconv.Itoa(m.ID) + ")"
	switch m.Kind {
	case "negate":
		return "((", ") != " + on + ")"
	case "true":
		return "((", ") || " + on + ")"
	case "false":
		return "((", ") && !" + on + ")"
	case "delete":
		return "if !" + on + " { ", " }"
	case "ready":
		return "mutantReady(" + strconv.Itoa(m.ID) + ", ", ")"
	}
	return "mutantZero(" + strconv.Itoa(m.ID) + ", ", ")"
}

// mutated is a file with its mutants in it, each line where it was.
func mutated(src []byte, mutants []*Mutant) []byte {
	type insertion struct {
		at, class, order int // what ends there goes first; then the wider goes outside
		text             string
	}
	var all []insertion
	for _, m := range mutants {
		before, behind := m.code()
		all = append(all, insertion{m.start, 1, m.start - m.end, before}, insertion{m.end, 0, m.end - m.start, behind})
	}
	slices.SortStableFunc(all, func(a, b insertion) int {
		return cmp.Or(a.at-b.at, a.class-b.class, a.order-b.order)
	})
	// Two mutants of the same code: the first one's text behind goes last.
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j].at == all[i].at && all[j].class == all[i].class && all[j].order == all[i].order {
			j++
		}
		if all[i].class == 0 {
			slices.Reverse(all[i:j])
		}
		i = j
	}
	var b bytes.Buffer
	from := 0
	for _, in := range all {
		b.Write(src[from:in.at])
		b.WriteString(in.text)
		from = in.at
	}
	b.Write(src[from:])
	return b.Bytes()
}

var errorLine = regexp.MustCompile(`(?m)^(?:\./|.*/)?([^/\s:]+\.go):(\d+):\d+: `)

// build makes the test binary with all mutants. Those that the compiler does not
// take are left out: a value that no zero value of its type can replace.
func (p *plan) build(ctx context.Context, tmp string) (binary string, err error) {
	dir, err := filepath.Abs(p.dir)
	if err != nil {
		return "", err
	}
	binary = filepath.Join(tmp, "mutants.test")
	for range 20 {
		overlay := map[string]string{filepath.Join(dir, "zz_mutants.go"): filepath.Join(tmp, "zz_mutants.go")}
		files := map[string][]byte{"zz_mutants.go": []byte("package " + p.name + "\n" + helpers)}
		for path, src := range p.source {
			name := filepath.Base(path)
			files[name] = mutated(src, slices.DeleteFunc(slices.Clone(p.mutants), func(m *Mutant) bool { return m.File != name }))
			overlay[filepath.Join(dir, name)] = filepath.Join(tmp, name)
		}
		for name, b := range files {
			if err := os.WriteFile(filepath.Join(tmp, name), b, 0o666); err != nil {
				return "", err
			}
		}
		b, err := json.Marshal(map[string]any{"Replace": overlay})
		if err != nil {
			return "", err
		}
		list := filepath.Join(tmp, "overlay.json")
		if err := os.WriteFile(list, b, 0o666); err != nil {
			return "", err
		}
		build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-gcflags=-e", "-overlay", list, "-o", binary, ".")
		build.Dir = dir
		out, err := build.CombinedOutput()
		if err == nil {
			return binary, nil
		}
		if !p.drop(string(out)) {
			return "", fmt.Errorf("the mutants do not compile: %w\n%s", err, out)
		}
	}
	return "", fmt.Errorf("the mutants do not compile")
}

// drop takes the mutants on lines of which the compiler complains out.
func (p *plan) drop(output string) bool {
	before := len(p.mutants)
	for _, e := range errorLine.FindAllStringSubmatch(output, -1) {
		line, _ := strconv.Atoi(e[2])
		p.mutants = slices.DeleteFunc(p.mutants, func(m *Mutant) bool { return m.File == e[1] && m.Line == line && m.Kind != "negate" })
	}
	if len(p.mutants) == before { // then those too
		for _, e := range errorLine.FindAllStringSubmatch(output, -1) {
			line, _ := strconv.Atoi(e[2])
			p.mutants = slices.DeleteFunc(p.mutants, func(m *Mutant) bool { return m.File == e[1] && m.Line == line })
		}
	}
	return len(p.mutants) < before
}

// run runs tests with one mutant, and returns whether one of them fails. Mutant 0
// is the code as it is.
func (p *plan) run(ctx context.Context, binary string, id int, tests []string, limit time.Duration) (failed bool, output string) {
	tests = slices.Compact(slices.Sorted(slices.Values(tests)))
	ctx, cancel := context.WithTimeout(ctx, limit+10*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, binary, "-test.run", "^("+strings.Join(tests, "|")+")$", "-test.short", "-test.failfast", "-test.timeout", limit.String())
	c.Dir = p.dir
	c.Env = append(os.Environ(), environment+"="+strconv.Itoa(id))
	out, err := c.CombinedOutput()
	return err != nil, string(out)
}
