namespace Overlay.Discovery.Addresses;

/// <summary>The address book's file cannot be used.</summary>
internal sealed class AddressBookException(string message, Exception? innerException = null) : IOException(message, innerException);
