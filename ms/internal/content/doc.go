// Package content knows what a message is: its media types, how it begins (Preview), whether
// its From is the user that speaks in the session (Speaker), the file that a session is for,
// and the form in which a user agent takes it (Accept).
//
// The package reads and makes messages. It has no sessions, and stores nothing.
package content
