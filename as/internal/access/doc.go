// Package access decides who may call: by address, certificate or digest credentials, and
// within limits of rates and numbers.
//
// A [Gate] sees each request before anything else does. Its [Rules] and [Limits] can be
// replaced while calls go on. [CallerOf] returns who leaves the messages of a call that was
// let in.
package access
