package io.opensandbox.execd.kernel;

/// A message to a kernel.
///
/// @param channel shell or control
/// @param id the header's `msg_id`, unique
/// @param type the header's `msg_type`
/// @param header the header as JSON
/// @param content the content as JSON
@SuppressWarnings("ArrayRecordComponent") // never compared, and a copy of the code is a waste
record Request(Message.Channel channel, String id, String type, byte[] header, byte[] content) {}
