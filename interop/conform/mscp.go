package conform

import "slices"

// MSCP returns the cases for a media server, in the order of the sections of
// draft-mcglashan-mscp-02; then those of the paper.
func MSCP(m MSCPTarget) []Case {
	return inOrder(slices.Concat(m.protocolCases(), m.dialogCases(), m.conferenceCases(), m.setUpCases(), m.pduCases(), m.messageCases(),
		m.robustCases(), m.paperCases()))
}

// on makes what runs a case on a control channel of its own.
func (m MSCPTarget) on(run func(t *T, c *channel)) func(*T) {
	return func(t *T) { run(t, m.setUp(t, offer)) }
}
