package mscp

import (
	"slices"

	"github.com/gomscp/gomscp/internal/xmltree"
)

func unless(ok bool, text string) []string {
	if ok {
		return nil
	}
	return []string{text}
}

// has reports whether n has the attribute, and hasChild whether it has the
// child of the draft, be they empty.
func has(n *xmltree.Node, name string) bool {
	_, ok := n.Attr(name)
	return ok
}

func hasChild(n *xmltree.Node, name string) bool {
	return slices.ContainsFunc(n.Kids, func(kid *xmltree.Node) bool { return kid.Local == name && kid.Space == n.Space })
}

// notBoth is the rule that an element has one end point at most.
func notBoth(section string) func(typedElement, *xmltree.Node) []string {
	return func(_ typedElement, n *xmltree.Node) []string {
		return unless(!has(n, "connectionid") || !has(n, "conferenceid"), "connectionid and conferenceid are both there (section "+section+")")
	}
}

// oneOfBoth is the rule that an element has exactly one end point.
func oneOfBoth(_ typedElement, n *xmltree.Node) []string {
	return unless(has(n, "connectionid") != has(n, "conferenceid"), "exactly one of connectionid and conferenceid (section 4.2)")
}

func prepareRules(e typedElement, n *xmltree.Node) []string {
	return slices.Concat(
		unless(has(n, "src") != hasChild(n, "src"), "exactly one of the src attribute and the src element (section 4.1)"), // [MSCP-4.1-1]
		notBoth("4.1")(e, n), // [MSCP-4.1-2]
	)
}

func startRules(element typedElement, n *xmltree.Node) []string {
	e := element.(*DialogStart)
	found := notBoth("4.2")(e, n) // [MSCP-4.2-3]
	if !has(n, "prepareddialogid") {
		found = append(found, unless(has(n, "src") != hasChild(n, "src"), "exactly one of the src attribute, the src element and prepareddialogid (section 4.2)")...) // [MSCP-4.2-7]
		// A prepared dialog may inherit its end point.
		return append(found, unless(e.ConnectionID+e.ConferenceID != "", "neither connectionid nor conferenceid (section 4.2)")...) // [MSCP-4.2-8]
	}
	found = append(found, unless(e.PreparedDialogID != "", "prepareddialogid is empty (section 4.2)")...)
	for _, name := range []string{"src", "type", "maxage", "maxstale", "enctype", "method"} {
		found = append(found, unless(!has(n, name), name+" beside prepareddialogid (section 4.2)")...) // [MSCP-4.2-1]
	}
	for _, name := range []string{"src", "namelist", "subscribe", "stream"} {
		found = append(found, unless(!hasChild(n, name), name+" element beside prepareddialogid (section 4.2)")...) // [MSCP-4.2-1]
	}
	return found
}

func createRules(element typedElement, _ *xmltree.Node) []string {
	e := element.(*CreateConference)
	if e.ReservedMedia != "video" && e.ReservedMedia != "audiovideo" {
		return nil
	}
	return slices.Concat(
		unless(e.AudioMixingPolicy != "", "video without audiomixingpolicy (section 5.1)"),                                                        // [MSCP-5.1-2]
		unless((e.AudioMixingPolicy == "manual") == (e.VideoMixingPolicy == "manual"), "only one of the mixing policies is manual (section 5.1)"), // [MSCP-5.1-1]
	)
}
