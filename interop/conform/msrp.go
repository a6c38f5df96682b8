package conform

import (
	"slices"
	"strings"
)

// MSRP returns the cases for a recipient of messages, in the order of the sections of RFC
// 4975.
func MSRP(m MSRPTarget) []Case {
	return inOrder(slices.Concat(
		m.section5_4(), m.section6_1(), m.section7_1(), m.section7_1_1(), m.section7_1_2(), m.section7_1_3(), m.section7_1_4(), m.section7_2(), m.section7_3(), m.section7_3_1(), m.section8_1(), m.section8_2(), m.section8_6(), m.section9(), m.section10_5(), m.section12(), m.section14_1()))
}

// described makes what runs a case on a session that was agreed on by SDP.
func (m MSRPTarget) described(run func(t *T, s *session)) func(*T) {
	return func(t *T) {
		if m.URI != "" {
			t.Skipf("the session was not agreed on by SDP")
		}
		run(t, m.agree(t))
	}
}

// reportID is the Message-ID of messages that are reported.
const reportID = "conform-report"

// otherSession is a URI of the same place with another session-id.
func otherSession(uri string) string {
	at := strings.LastIndexByte(uri, '/') + 1
	return uri[:at] + "conformnosuchsession" + uri[strings.LastIndexByte(uri, ';'):]
}
