package musts

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Row is a requirement that the code meets.
type Row struct {
	Tag, Demand string
	Files       []string // in the package's folder
	Tests       []string
}

var (
	tagCell  = regexp.MustCompile(`^(?:RFC\d+|MSCP)-[0-9.]+-\d+$`)
	tagInGo  = regexp.MustCompile(`\[((?:RFC\d+|MSCP)-[0-9.]+-\d+)\]`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Example|Fuzz)\w*)\(`)
	testName = regexp.MustCompile(`\b(?:Test|Benchmark|Fuzz)[A-Z]\w+`)
)

// ReadTable reads the rows with a tag of MUSTS.md in dir. The tag stands in the
// first or the second of four cells, files and tests in the last two.
func ReadTable(dir string) ([]Row, error) {
	b, err := os.ReadFile(filepath.Join(dir, "MUSTS.md"))
	if err != nil {
		return nil, err
	}
	var rows []Row
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 {
			continue
		}
		cells = cells[1:5]
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		tag, demand := cells[0], cells[1]
		if !tagCell.MatchString(tag) {
			tag, demand = demand, tag
		}
		if tagCell.MatchString(tag) {
			rows = append(rows, Row{tag, demand, list(cells[2]), list(cells[3])})
		}
	}
	return rows, nil
}

func list(cell string) []string {
	if cell == "" {
		return nil
	}
	return strings.Split(cell, ", ")
}

// Check returns the differences between the table, the code and the tests in dir: a row
// whose tag is in other files, a tag without a row, or a test that does not exist.
func Check(dir string) ([]string, error) {
	rows, err := ReadTable(dir)
	if err != nil {
		return nil, err
	}
	table, err := os.ReadFile(filepath.Join(dir, "MUSTS.md"))
	if err != nil {
		return nil, err
	}
	tagged, tests, err := sources(dir)
	if err != nil {
		return nil, err
	}
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	listed := map[string]bool{}
	for _, r := range rows {
		if listed[r.Tag] {
			add("%s has two rows", r.Tag)
		}
		listed[r.Tag] = true
		if !slices.Equal(slices.Sorted(slices.Values(r.Files)), tagged[r.Tag]) {
			add("%s stands in %v, and the table has %v", r.Tag, tagged[r.Tag], r.Files)
		}
		if len(r.Tests) == 0 {
			add("%s has no test", r.Tag)
		}
		for _, name := range r.Tests {
			if !tests[name] {
				add("%s: there is no %s", r.Tag, name)
			}
		}
	}
	for tag, files := range tagged {
		if !listed[tag] {
			add("%s of %v is not in the table", tag, files)
		}
	}
	for _, name := range testName.FindAllString(string(table), -1) {
		if !tests[name] {
			add("the table speaks of %s, which is not there", name)
		}
	}
	slices.Sort(wrong)
	return wrong, nil
}

// sources gives the files of each tag in dir, sorted, and its tests.
func sources(dir string) (tagged map[string][]string, tests map[string]bool, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	tagged, tests = map[string][]string{}, map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, nil, err
		}
		if strings.HasSuffix(f, "_test.go") {
			for _, m := range testFunc.FindAllSubmatch(b, -1) {
				tests[string(m[1])] = true
			}
			continue
		}
		for _, m := range tagInGo.FindAllSubmatch(b, -1) {
			if tag, name := string(m[1]), filepath.Base(f); !slices.Contains(tagged[tag], name) {
				tagged[tag] = append(tagged[tag], name)
			}
		}
	}
	return tagged, tests, nil
}
