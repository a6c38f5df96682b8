package mscp

// ReasonDevice is how the reason of a MsgNotSended of ours begins if the recipient's
// device, and not the media server or the moment, is why messages are left: it takes
// no session, or not these messages. Calling the same device again would change
// nothing; another one, when it registers, may take them.
const ReasonDevice = "not taken by this device"
