// Package deploy has systemd units, a Dockerfile and example configurations for
// permanent operation. README.md describes their use. The package exports nothing. Its
// tests run these files with the real binaries.
package deploy
