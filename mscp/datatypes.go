package mscp

import (
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// A datatype is what an attribute may hold: a datatype of section 8, and what
// the text demands beyond it.
type datatype struct {
	// collapse is the whitespace facet: blanks at the ends do not count, and
	// several count as one. Without it they are part of the value. See XML
	// Schema part 2, section 4.3.6.
	collapse bool
	check    func(string) string // what is wrong with a value, or ""
	number   bool                // of which a sign and zeros at the start do not count
	trim     bool                // blanks at the ends do not count
}

// value is what s, as it stands in a document, means.
func (d datatype) value(s string) string {
	if d.trim {
		return strings.TrimSpace(s)
	}
	if d.collapse { // [MSCP-8-1]
		s = xmltree.Collapse(s)
	}
	if d.number && d.check(s) == "" { // [MSCP-8-2]
		if s = strings.TrimLeft(s, "+-0"); s == "" {
			s = "0"
		}
	}
	return s
}

// token is a datatype of a few words: an NMTOKEN with an enumeration.
func token(values ...string) datatype {
	return datatype{collapse: true, check: oneOf(values...)}
}

func oneOf(values ...string) func(string) string {
	return func(s string) string {
		if slices.Contains(values, s) {
			return ""
		}
		return "is not one of " + strings.Join(values, ", ")
	}
}

var (
	anyString       = datatype{check: func(string) string { return "" }}
	trimmed         = datatype{trim: true, check: func(string) string { return "" }}                                                    // of the paper, and ours
	boolean         = token("true", "false")                                                                                            // [MSCP-8-3]
	method          = token("get", "post")                                                                                              // [MSCP-8-3]
	media           = token("audio", "video", "audiovideo")                                                                             // [MSCP-8-3]
	direction       = token("transmit", "receive", "both")                                                                              // [MSCP-8-3]
	audioPolicy     = token("nbest", "manual")                                                                                          // [MSCP-8-3]
	videoPolicy     = token("vas", "manual", "userdefined")                                                                             // [MSCP-8-3]
	terminateReason = datatype{check: oneOf("near_end_disconnect")}                                                                     // [MSCP-4.9-2]
	completeReason  = datatype{check: oneOf("maxtime_disconnect", "busy", "network_busy", "noanswer")}                                  // [MSCP-4.10-2]
	uri             = datatype{collapse: true, check: checkURI}                                                                         // [MSCP-8-4]
	validURI        = datatype{collapse: true, check: checkValidURI}                                                                    // [MSCP-4.8-2]
	tone            = datatype{collapse: true, check: checkTone}                                                                        // [MSCP-5.3-7]
	mediaType       = datatype{check: checkMediaType}                                                                                   // [MSCP-4.1-6]
	seconds         = datatype{check: pattern(`^[0-9]+$`, "is no number of seconds")}                                                   // [MSCP-4.1-7]
	nonNegative     = datatype{collapse: true, check: pattern(`^(\+?[0-9]+|-0+)$`, "is no number of 0 or more"), number: true}          // [MSCP-8-2]
	positive        = datatype{collapse: true, check: pattern(`^\+?0*[1-9][0-9]*$`, "is no number of 1 or more"), number: true}         // [MSCP-5.1-4]
	eventName       = datatype{collapse: true, check: pattern(`^[a-zA-Z0-9.]+$`, "holds more, or less, than letters, digits and dots")} // [MSCP-4.6-2]
	duration        = datatype{check: pattern(durationPattern.String(), "is no duration")}                                              // [MSCP-8-5]
)

func pattern(expr, wrong string) func(string) string {
	compiled := regexp.MustCompile(expr)
	return func(s string) string {
		if compiled.MatchString(s) {
			return ""
		}
		return wrong
	}
}

// escapeURI are the characters of an anyURI that a URI has escaped. See XML
// Schema part 2, section 3.2.17, and XLink 1.0, section 5.4.
var escapeURI = strings.NewReplacer(" ", "%20", "<", "%3C", ">", "%3E", `"`, "%22", "{", "%7B", "}", "%7D", "|", "%7C", `\`, "%5C", "^", "%5E", "`", "%60")

// checkURI takes the references of anyURI, but for the empty one, which
// identifies nothing.
func checkURI(s string) string {
	if _, err := url.Parse(escapeURI.Replace(s)); err != nil || s == "" {
		return "is no URI"
	}
	return ""
}

// checkValidURI takes what needs no escapes, as section 4.8 says "valid".
func checkValidURI(s string) string {
	if escapeURI.Replace(s) != s {
		return "is no URI"
	}
	return checkURI(s)
}

func checkTone(s string) string {
	if boolean.check(s) != "" && checkURI(s) != "" {
		return "is not true, false or a URI"
	}
	return ""
}

func checkMediaType(s string) string {
	if t, _, err := mime.ParseMediaType(s); err != nil || !strings.Contains(t, "/") {
		return "is no media type"
	}
	return ""
}

var durationPattern = regexp.MustCompile(`^\+?([0-9]*\.)?[0-9]+(ms|s)$`)

// ParseDuration reads a duration of the draft, such as 20s, +1.5s or 200ms.
// One of more than 290 years is an error. See section 8, duration.datatype.
func ParseDuration(s string) (time.Duration, error) {
	if !durationPattern.MatchString(s) {
		return 0, fmt.Errorf("mscp: %q is no duration (section 8)", shorten(s))
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("mscp: duration: %w", err)
	}
	return d, nil
}
