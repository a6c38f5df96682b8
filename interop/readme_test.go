package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/ms"
)

func readme(t *testing.T) string { return text(t, "README.md") }

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// rows are the cells of the README's table rows that begin so.
func rows(readme, begin string) (rows [][]string) {
	for line := range strings.Lines(readme) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "| "+begin) {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

var testName = regexp.MustCompile(`\bTest\w+`)

// TestReadmeProofs looks for each test that the README's table of the paper names:
// what is said to work is shown by a test that is there.
func TestReadmeProofs(t *testing.T) {
	table := rows(readme(t), "P")
	if len(table) != 14 {
		t.Fatalf("the table has %d rows, not 14", len(table))
	}
	for i, row := range table {
		if len(row) != 4 || row[0] != fmt.Sprintf("P%d", i+1) {
			t.Errorf("row %d is %q", i+1, row)
			continue
		}
		if works := strings.HasPrefix(row[2], "works"); works != (row[3] != "") {
			t.Errorf("%s is said to be %q, and shown by %q", row[0], row[2], row[3])
		}
		for proof := range strings.SplitSeq(row[3], ";") {
			checkProof(t, row[0], strings.TrimSpace(proof))
		}
	}
}

// checkProof takes "`folder` TestA, TestB".
func checkProof(t *testing.T, id, proof string) {
	if proof == "" {
		return
	}
	folder, _, ok := strings.Cut(strings.TrimPrefix(proof, "`"), "` ")
	names := testName.FindAllString(proof, -1)
	if !ok || len(names) == 0 {
		t.Errorf("%s: %q names no folder and test", id, proof)
		return
	}
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all += string(b)
	}
	for _, name := range names {
		if !strings.Contains(all, "\nfunc "+name+"(") {
			t.Errorf("%s: there is no %s in %s", id, name, folder)
		}
	}
}

var commandCase = regexp.MustCompile(`(?m)^\tcase "(\w+)":`)

// TestReadmeCommands compares the README's commands with those that there are.
func TestReadmeCommands(t *testing.T) {
	var got, want []string
	for _, row := range rows(readme(t), "`mscp-interop ") {
		got = append(got, strings.TrimPrefix(strings.Trim(row[0], "`"), "mscp-interop "))
	}
	for _, m := range commandCase.FindAllStringSubmatch(text(t, "interop/cmd/mscp-interop/main.go"), -1) {
		want = append(want, m[1])
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("the README has the commands %v, and mscp-interop %v", got, want)
	}
}

// TestReadmeSettings looks for the README's keys in the default configurations.
func TestReadmeSettings(t *testing.T) {
	servers := map[string][]byte{"AS": as.DefaultYAML, "MS": ms.DefaultYAML}
	n := 0
	for _, row := range rows(readme(t), "`") {
		of := []string{row[1]}
		if row[1] == "both" {
			of = []string{"AS", "MS"}
		}
		if servers[of[0]] == nil {
			continue // another table
		}
		for _, name := range of {
			for key := range strings.SplitSeq(row[0], ",") {
				n++
				if key = strings.Trim(key, " `"); !hasKey(t, servers[name], key) {
					t.Errorf("the %s has no setting %s", name, key)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("the README has %d settings", n)
	}
}

func hasKey(t *testing.T, file []byte, key string) bool {
	var node map[string]any
	if err := yaml.Unmarshal(file, &node); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(key, ".")
	for _, p := range parts[:len(parts)-1] {
		next, ok := node[p].(map[string]any)
		if !ok {
			return false
		}
		node = next
	}
	_, ok := node[parts[len(parts)-1]]
	return ok
}
