package interop

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gomscp/gomscp/"

// allowed is which packages of this module each may link, beside itself and its own
// internal packages. A package that is not named may link all.
var allowed = map[string][]string{
	"mscp":           {"internal/fingerprint", "internal/sdp", "internal/xmltree"},
	"msrp":           {"internal/admit", "internal/budget", "internal/fingerprint", "internal/quietlog", "internal/sdp", "internal/wait"},
	"msrp/cpim":      {"internal/xmltree"},
	"sipua":          {"internal/admit", "internal/quietlog", "internal/sdp", "internal/wait", "internal/xmltree", "sipua/regevent"},
	"sipua/regevent": {"internal/xmltree", "sipua/internal/grammar", "sipua/internal/sipuri"},

	"sipua/internal/grammar":    {},
	"sipua/internal/sipuri":     {"sipua/internal/grammar"},
	"sipua/internal/digestauth": {"sipua/internal/grammar", "sipua/internal/sipuri"},
	"sipua/internal/screen":     {"sipua/internal/grammar"},

	"store":                 {"internal/boltfile", "internal/printable", "internal/wait"},
	"store/archive":         {"store"},
	"internal/boltfile":     {},
	"internal/admit":        {},
	"internal/budget":       {},
	"internal/quietlog":     {},
	"internal/fingerprint":  {},
	"internal/musts":        {},
	"internal/sdp":          {},
	"internal/testutil":     {},
	"internal/wait":         {},
	"internal/printable":    {},
	"internal/daemon":       {"internal/admit", "internal/printable", "internal/quietlog"},
	"internal/xmltree":      {},
	"internal/table":        {"internal/daemon", "internal/printable"},
	"as/internal/balance":   {},
	"as/internal/access":    {"internal/admit", "internal/budget", "internal/daemon", "internal/quietlog", "sipua"},
	"as/internal/control":   {"internal/wait", "mscp", "sipua"},
	"as/internal/directory": {"internal/boltfile"},
	"as/internal/mailbox":   {"internal/budget", "internal/wait"},
	"as/internal/presence":  {"internal/quietlog", "internal/xmltree", "sipua"},
	"as":                    {"as/internal/balance", "as/internal/directory", "internal/admit", "internal/budget", "internal/quietlog", "internal/boltfile", "internal/sdp", "internal/table", "mscp", "sipua", "internal/daemon", "internal/xmltree"},
	"as/operator":           {"as/internal/balance", "as/internal/directory", "internal/admit", "internal/budget", "internal/quietlog", "as", "mscp", "sipua", "internal/boltfile", "internal/daemon", "internal/table", "internal/xmltree"},
	"as/cmd/mscp-as":        {"as/internal/balance", "as/internal/directory", "internal/admit", "internal/budget", "internal/quietlog", "internal/boltfile", "as", "as/operator", "internal/table", "mscp", "sipua", "internal/daemon", "internal/xmltree"},
	"ms":                    {"internal/admit", "internal/budget", "internal/quietlog", "internal/boltfile", "ms/operator", "internal/table", "mscp", "mscp/mediaserver", "msrp", "msrp/cpim", "sipua", "store", "store/archive", "internal/daemon", "internal/xmltree"},
	"ms/internal/arrivals":  {"store"},
	"ms/internal/otr":       {},
	"ms/internal/memory":    {"msrp", "store"},
	"ms/internal/content":   {"ms/internal/otr", "msrp", "msrp/cpim", "sipua", "store"},
	"ms/cmd/mscp-ms":        {"internal/admit", "internal/budget", "internal/quietlog", "internal/boltfile", "ms", "ms/operator", "internal/table", "mscp", "mscp/mediaserver", "msrp", "msrp/cpim", "sipua", "store", "store/archive", "internal/daemon", "internal/xmltree"},
	"ms/operator":           {"internal/admit", "internal/quietlog", "internal/boltfile", "sipua", "store", "store/archive", "internal/daemon", "internal/table", "internal/xmltree"},
}

// mayLink reports whether a package may link another: itself, its own internal packages,
// what allowed names, and what that may link in turn.
func mayLink(pkg, dep string) bool {
	if dep == pkg || strings.HasPrefix(dep, pkg+"/internal/") {
		return true
	}
	return slices.ContainsFunc(allowed[pkg], func(may string) bool { return mayLink(may, dep) })
}

// TestImports holds the rules of who may link whom: the application server has
// no media ability and no message store, it and the media server share nothing
// but SIP and MSCP, and nothing links interop.
func TestImports(t *testing.T) {
	for pkg := range allowed {
		out, err := exec.Command("go", "list", "-deps", module+pkg).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", pkg, err)
		}
		for dep := range strings.FieldsSeq(string(out)) {
			dep, ours := strings.CutPrefix(dep, module)
			if ours && !mayLink(pkg, dep) {
				t.Errorf("%s links %s", pkg, dep)
			}
		}
	}
}

// TestInnerPackages holds that no inner package of a server links its server: it can be
// read and tested alone.
func TestInnerPackages(t *testing.T) {
	for _, server := range []string{"as", "ms"} {
		out, err := exec.Command("go", "list", "-deps", module+server+"/internal/...").Output()
		if err != nil {
			t.Fatalf("go list -deps %s/internal/...: %v", server, err)
		}
		if deps := strings.Fields(string(out)); len(deps) == 0 || slices.Contains(deps, module+server) {
			t.Errorf("%s/internal links %s, or is empty", server, server)
		}
	}
}

// TestForeignPeers holds peers that judge this project to share nothing with what they judge.
func TestForeignPeers(t *testing.T) {
	for _, pkg := range []string{"interop/strictpeer", "interop/internal/scriptedas", "interop/conform/draft", "interop/conform/rfc4975"} {
		out, err := exec.Command("go", "list", "-deps", module+pkg).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", pkg, err)
		}
		for dep := range strings.FieldsSeq(string(out)) {
			if dep, ours := strings.CutPrefix(dep, module); ours && !strings.HasPrefix(dep, "interop/") {
				t.Errorf("%s links %s", pkg, dep)
			}
		}
	}
}
