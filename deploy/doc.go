// Package deploy holds what an operator needs to run the servers for good:
// systemd units, a Dockerfile and examples of configurations. README.md says how
// they are used. There is nothing to import; the tests run what is here with the
// real binaries.
package deploy
