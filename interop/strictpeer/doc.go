// Package strictpeer speaks SIP as text, for tests of this project from outside. It
// shares no code with the packages that it tests, so that a misreading of ours does
// not hide behind itself.
package strictpeer
