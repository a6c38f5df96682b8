package interop

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are the paths of all Markdown files, from this folder.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 15 {
		t.Errorf("%d pages were found", len(found))
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noWord  = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// anchors are the names of a page's headings, as GitHub makes them.
func anchors(page string) map[string]bool {
	names := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		name := noWord.ReplaceAllString(strings.ToLower(m[1]), "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}

// TestLinks follows each link of each page to a file, and to a heading in it.
func TestLinks(t *testing.T) {
	n := 0
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			n++
			path, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere: %v", page, m[1], err)
				continue
			}
			if anchor != "" && !anchors(read(t, target))[anchor] {
				t.Errorf("%s: %s has no heading %q", page, target, anchor)
			}
		}
	}
	if n < 40 {
		t.Errorf("%d links were found", n)
	}
}

// TestDocsAreListed looks for each page of docs in its index.
func TestDocsAreListed(t *testing.T) {
	index := read(t, "../docs/README.md")
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := filepath.Base(f); name != "README.md" && !strings.Contains(index, "]("+name+")") {
			t.Errorf("docs/README.md does not link to %s", name)
		}
	}
}

var (
	packagePath = regexp.MustCompile(`(?:^|\s)(\./[a-zA-Z0-9_/-]+?)(?:/\.\.\.)?(?:[\s'"]|$)`)
	testRun     = regexp.MustCompile(`-run ('[^']+'|\S+)`)
	testFunc    = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	goCommand   = regexp.MustCompile("(?m)(?:^|[`\\s])go (?:run|test|build|doc|vet)[^`\n]*")
)

// TestGoCommands checks the go commands of all pages: the packages are there, and each part
// of -run finds a test in them.
func TestGoCommands(t *testing.T) {
	n := 0
	for _, page := range pages(t) {
		for _, command := range goCommand.FindAllString(read(t, page), -1) {
			command, _, _ = strings.Cut(command, "|")
			command, _, _ = strings.Cut(command, " # ")
			n++
			tests := ""
			for _, m := range packagePath.FindAllStringSubmatch(command+" ", -1) {
				dir := filepath.Join("..", m[1])
				if info, err := os.Stat(dir); err != nil || !info.IsDir() {
					t.Errorf("%s: %q: there is no %s", page, strings.TrimSpace(command), m[1])
				}
				tests += testNames(t, dir)
			}
			if m := testRun.FindStringSubmatch(command); m != nil && tests != "" {
				checkRun(t, page, strings.Trim(m[1], "'"), tests)
			}
		}
	}
	if n < 20 {
		t.Errorf("%d commands were found", n)
	}
}

// checkRun looks for a test for each alternative of a -run flag.
func checkRun(t *testing.T, page, pattern, tests string) {
	t.Helper()
	for part := range strings.SplitSeq(strings.ReplaceAll(pattern, `\|`, "|"), "|") {
		re, err := regexp.Compile("(?m)^" + "(?:.*)" + "(?:" + strings.TrimSuffix(part, "$") + ")")
		if err != nil || !re.MatchString(tests) {
			t.Errorf("%s: -run %s finds no test for %q: %v", page, pattern, part, err)
		}
	}
}

// testNames are the tests in a folder and below it, one a line.
func testNames(t *testing.T, dir string) string {
	t.Helper()
	var names strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range testFunc.FindAllStringSubmatch(read(t, path), -1) {
			names.WriteString(m[1] + "\n")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names.String()
}

var (
	interopCommand = regexp.MustCompile("mscp-interop ([a-z]+)([^`\n]*)")
	longFlag       = regexp.MustCompile("--([a-z][a-z0-9-]*)")
	printedFlag    = regexp.MustCompile(`(?m)^  -([a-z][a-z0-9-]*)`)
)

// TestInteropCommands checks the commands of mscp-interop in all pages, with their flags,
// and each flag in docs/conformance.md, against what the command prints with -h.
func TestInteropCommands(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "mscp-interop")
	if out, err := exec.Command("go", "build", "-o", bin, "./cmd/mscp-interop").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	flags := map[string]map[string]bool{}
	for _, m := range commandCase.FindAllStringSubmatch(text(t, "interop/cmd/mscp-interop/main.go"), -1) {
		out, err := exec.Command(bin, m[1], "-h").CombinedOutput()
		if err != nil {
			t.Errorf("mscp-interop %s -h: %v", m[1], err)
		}
		flags[m[1]] = map[string]bool{}
		for _, f := range printedFlag.FindAllStringSubmatch(string(out), -1) {
			flags[m[1]][f[1]] = true
		}
	}
	check := func(page, command, line string) (n int) {
		for _, f := range longFlag.FindAllStringSubmatch(line, -1) {
			if n++; !flags[command][f[1]] {
				t.Errorf("%s: mscp-interop %s has no --%s", page, command, f[1])
			}
		}
		return n
	}
	n := 0
	for _, page := range pages(t) {
		for _, m := range interopCommand.FindAllStringSubmatch(read(t, page), -1) {
			if flags[m[1]] == nil && m[1] != "version" {
				t.Errorf("%s: there is no mscp-interop %s", page, m[1])
			}
			line, _, _ := strings.Cut(m[2], " # ")
			n += check(page, m[1], line)
		}
	}
	conformance := read(t, "../docs/conformance.md")
	conformance = strings.ReplaceAll(conformance, "mscp-interop send", "")
	for line := range strings.Lines(conformance) {
		if strings.HasPrefix(line, "    ") {
			continue // commands, which are checked above
		}
		n += check("docs/conformance.md", "conform", line)
	}
	if n < 40 {
		t.Errorf("%d flags were found", n)
	}
}
